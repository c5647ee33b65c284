r"""Converts LaTeX in templates to MathML: inline `\( … \)` and display `\[ … \]`.

Formulas are converted when a template is compiled, once per server, so that pages need no script
for them. BatchNorm's symbols get a class for their colour.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from jinja2.ext import Extension
from latex2mathml.converter import convert

FORMULA = re.compile(r"\\\((?P<inline>.+?)\\\)|\\\[(?P<block>.+?)\\\]", re.DOTALL)
NAMESPACE = "http://www.w3.org/1998/Math/MathML"

# Classes of the coloured symbols; static/css/tokens.css defines the colours.
SYMBOL_CLASSES = {"μ": "mu", "σ": "sigma", "γ": "gamma", "β": "beta"}
SCRIPTED_TAGS = {f"{{{NAMESPACE}}}{name}" for name in ("msub", "msup", "msubsup")}
IDENTIFIER_TAG = f"{{{NAMESPACE}}}mi"
# `\class{plain}{\beta}` is a β that is not BatchNorm's, such as that of β-smoothness.
PLAIN_CLASS = "plain"

# The converter writes the ASCII caret for a hat accent, which fonts draw too small.
ACCENTS = {"^": "\u02c6"}

ET.register_namespace("", NAMESPACE)


class MathMLExtension(Extension):
    r"""A Jinja extension that replaces formulas before Jinja parses the braces in them."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Returns the source with MathML in place of LaTeX; line numbers stay the same."""
        return FORMULA.sub(_to_markup, source)


def _to_markup(match: re.Match[str]) -> str:
    inline, block = match["inline"], match["block"]
    markup = to_mathml(inline or block, block=block is not None)
    return markup + "\n" * match[0].count("\n")


def to_mathml(latex: str, *, block: bool = False) -> str:
    """Converts a formula to MathML.

    Raises ValueError if the result has a style attribute, which the content security policy blocks,
    or if the converter did not understand the formula.
    """
    text = convert(latex, display="block" if block else "inline")
    # Bare ampersands are alignment marks that the converter doesn't know.
    if "style=" in text or re.search(r"&(?!#?\w+;)", text):
        raise ValueError(f"this formula can't be set: {latex}")
    root = ET.fromstring(text)  # noqa: S314  # from a template of ours
    for element, kind in _find_symbols(root):
        element.set("class", kind)
    for accent in root.iter(f"{{{NAMESPACE}}}mo"):
        accent.text = ACCENTS.get(accent.text or "", accent.text)
    return ET.tostring(root, encoding="unicode", short_empty_elements=False)


def _find_symbols(parent: ET.Element) -> Iterator[tuple[ET.Element, str]]:
    """Yields each coloured symbol, with its sub- and superscripts, and its class."""
    for child in parent:
        if child.get("class") == PLAIN_CLASS:
            continue
        base = child[0] if child.tag in SCRIPTED_TAGS else child
        if base.tag == IDENTIFIER_TAG and base.text in SYMBOL_CLASSES:
            yield child, SYMBOL_CLASSES[base.text]
        else:
            yield from _find_symbols(child)
