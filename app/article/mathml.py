r"""Formulas in templates: `\( … \)` within a line and `\[ … \]` on their own become MathML.

They are set when a template is compiled, once in the server's life, so that readers get markup and
need no script for it. The symbols of BatchNorm carry a class, which gives them their colour.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from jinja2.ext import Extension
from latex2mathml.converter import convert

FORMULA = re.compile(r"\\\((?P<inline>.+?)\\\)|\\\[(?P<block>.+?)\\\]", re.DOTALL)
NAMESPACE = "http://www.w3.org/1998/Math/MathML"

# One colour each, in text, equations and widgets: static/css/tokens.css.
SYMBOLS = {"μ": "mu", "σ": "sigma", "γ": "gamma", "β": "beta"}
WITH_SCRIPTS = {f"{{{NAMESPACE}}}{name}" for name in ("msub", "msup", "msubsup")}
IDENTIFIER = f"{{{NAMESPACE}}}mi"
# `\class{plain}{\beta}` is another β, such as that of β-smoothness.
PLAIN = "plain"

# The converter writes the accent's ASCII look-alike, which fonts draw as a small caret.
ACCENTS = {"^": "\u02c6"}

ET.register_namespace("", NAMESPACE)


class Maths(Extension):
    r"""Replaces formulas in a template's source, before Jinja reads any brace in them."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The source with MathML for LaTeX; its lines keep their numbers."""
        return FORMULA.sub(_replace, source)


def _replace(found: re.Match[str]) -> str:
    inline, block = found["inline"], found["block"]
    markup = mathml(inline or block, block=block is not None)
    return markup + "\n" * found[0].count("\n")


def mathml(latex: str, *, block: bool = False) -> str:
    """MathML for a formula. Raises ValueError if it needs a style attribute or wasn't understood:
    the page's content policy would drop the one, and a reader would see the other as an error.
    """
    text = convert(latex, display="block" if block else "inline")
    # Bare ampersands are alignment marks that the converter doesn't know.
    if "style=" in text or re.search(r"&(?!#?\w+;)", text):
        raise ValueError(f"this formula can't be set: {latex}")
    root = ET.fromstring(text)  # noqa: S314  # from a template of ours
    for element, kind in _symbols(root):
        element.set("class", kind)
    for accent in root.iter(f"{{{NAMESPACE}}}mo"):
        accent.text = ACCENTS.get(accent.text or "", accent.text)
    return ET.tostring(root, encoding="unicode", short_empty_elements=False)


def _symbols(parent: ET.Element) -> Iterator[tuple[ET.Element, str]]:
    """Each coloured symbol with its class; one with sub- or superscripts is taken as a whole."""
    for child in parent:
        if child.get("class") == PLAIN:
            continue
        base = child[0] if child.tag in WITH_SCRIPTS else child
        if base.tag == IDENTIFIER and base.text in SYMBOLS:
            yield child, SYMBOLS[base.text]
        else:
            yield from _symbols(child)
