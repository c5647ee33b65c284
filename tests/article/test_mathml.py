"""Formulas: LaTeX in, MathML out, and nothing that the content policy forbids."""

import xml.etree.ElementTree as ET

import pytest
from jinja2 import Environment

from app.article.mathml import NAMESPACE, to_mathml
from app.resources import TEMPLATES


def classed(markup: str) -> dict[str, str]:
    """Text of what carries a class → the class."""
    return {
        "".join(element.itertext()): element.get("class", "")
        for element in ET.fromstring(markup).iter()
        if element.get("class")
    }


def rendered(source: str, **context: object) -> str:
    environment = Environment(extensions=["app.article.mathml.MathMLExtension"], autoescape=True)
    return environment.from_string(source).render(context)


@pytest.mark.parametrize("latex", [r"\mu", r"\sqrt{\sigma_B^2 + \varepsilon}", r"\hat{x}\,\le 1"])
def test_a_formula_is_mathml_without_a_style_attribute(latex: str) -> None:
    markup = to_mathml(latex)
    assert ET.fromstring(markup).tag == f"{{{NAMESPACE}}}math"
    assert "style=" not in markup


def test_the_symbols_carry_their_class_and_nothing_else_does() -> None:
    markup = to_mathml(r"y = \gamma\,\frac{x - \mu_B}{\sqrt{\sigma_B^2 + \varepsilon}} + \beta")
    assert classed(markup) == {"γ": "gamma", "μB": "mu", "σB2": "sigma", "β": "beta"}


def test_another_beta_stays_plain() -> None:
    assert classed(to_mathml(r"\class{plain}{\beta}\le\mu")) == {"β": "plain", "μ": "mu"}


def test_a_block_is_a_block() -> None:
    assert 'display="block"' in to_mathml("x", block=True)
    assert 'display="inline"' in to_mathml("x")


def test_what_would_need_a_style_is_refused() -> None:
    for latex in (r"\begin{aligned}a&=b\end{aligned}", r"\color{red}{x}\style{color:red}{x}"):
        with pytest.raises(ValueError, match="can't be set"):
            to_mathml(latex)


def test_a_template_says_formulas_between_its_own_braces() -> None:
    text = rendered(r"<p>\(x_{{i}}\) {{ name }}</p>" + "\n" + r"\[\mu" + "\n" + r"\]", name="<b>")
    assert text.count("<math") == 2
    assert "&lt;b&gt;" in text
    assert 'class="mu"' in text


def test_lines_keep_their_numbers() -> None:
    assert rendered("\\[x\n+\ny\\]\nlast").count("\n") == 3


def test_every_formula_of_the_page_can_be_set() -> None:
    # Rendering them is converting them; a formula that can't be set raises.
    environment = Environment(extensions=["app.article.mathml.MathMLExtension"])
    for path in TEMPLATES.rglob("*.html"):
        source = environment.preprocess(path.read_text())
        assert r"\(" not in source, path.name
        assert r"\[" not in source, path.name
