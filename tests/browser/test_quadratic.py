"""The plain functions of quadratic.js and curves.js, against values known beforehand."""

import math

import pytest
from playwright.sync_api import Page

from tests.browser.functions import call
from tests.browser.losses import HIGH, LOW, ROUGH, SMOOTH, Loss

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("m.hessian([1, 3], [2, 0])", [10, 2, 4]),
        ("m.eigen([2, 1, 2])", {"values": [3, 1], "angle": math.pi / 4}),
        ("m.eigen([2, -1, 2])", {"values": [3, 1], "angle": -math.pi / 4}),
        ("m.eigen([1, 0, 4])", {"values": [4, 1], "angle": math.pi / 2}),
        ("m.condition([2, 1, 2])", 3),
        ("m.condition([5, 0, 5])", 1),
        ("m.bestRate([2, 1, 2])", 0.5),
        ("m.error([2, 1, 4], [1, -1])", 2),
        ("m.halfAxes([1, 0, 4], 2)", [1, 2]),
        # λ = 3 and 1, the best rate 1/2: half of the way is left after every step.
        (
            "m.descend([3, 0, 1], [1, 1], 0.5, {share: 0.1, cap: 9}).path",
            [[1, 1], [-0.5, 0.5], [0.25, 0.25]],
        ),
        ("m.descend([3, 0, 1], [1, 1], 0.5, {share: 0.1, cap: 9}).arrived", True),
        ("m.descend([3, 0, 1], [1, 1], 0.01, {share: 0.1, cap: 9}).path.length", 10),
        ("m.descend([3, 0, 1], [1, 1], 0.01, {share: 0.1, cap: 9}).arrived", False),
    ],
)
def test_what_is_known_of_a_quadratic(expression: str, value: object, plain_page: Page) -> None:
    outcome = call(plain_page, "maths/quadratic.js", expression)
    if isinstance(value, dict):
        assert outcome["values"] == pytest.approx(value["values"])
        assert outcome["angle"] == pytest.approx(value["angle"])
    elif isinstance(value, list) and isinstance(value[0], list):
        for place, expected in zip(outcome, value, strict=True):
            assert place == pytest.approx(expected)
    else:
        assert outcome == pytest.approx(value)


def test_below_twice_the_inverse_of_the_greatest_curvature_a_descent_stays(
    plain_page: Page,
) -> None:
    descent = "m.descend([3, 0, 1], [1, 0], {} * 2 / 3, {{share: 0.01, cap: 2000}})"
    assert call(plain_page, "maths/quadratic.js", descent.format(0.99))["arrived"]
    fled = call(plain_page, "maths/quadratic.js", descent.format(1.01))
    assert not fled["arrived"]
    assert len(fled["path"]) < 2000
    lengths = [abs(x) for x, _ in fled["path"]]
    assert lengths == sorted(lengths)


def test_a_pair_of_inputs_has_exactly_the_moments_that_were_asked_for(plain_page: Page) -> None:
    for correlation in (-0.95, 0, 0.6):
        first, second = call(plain_page, "widgets/samples.js", f"m.pair(70, 60, {correlation})")
        for values in (first, second):
            assert math.fsum(values) / 60 == pytest.approx(0, abs=1e-12)
            assert math.fsum(value**2 for value in values) / 60 == pytest.approx(1)
        product = math.fsum(a * b for a, b in zip(first, second, strict=True)) / 60
        assert product == pytest.approx(correlation, abs=1e-12)


@pytest.mark.parametrize("loss", [ROUGH, SMOOTH], ids=lambda loss: str(loss.title))
def test_the_losses_have_the_derivatives_and_the_constants_of_their_formula(
    loss: Loss, plain_page: Page
) -> None:
    of = f"{{bowl: {loss.bowl}, waves: {[list(wave) for wave in loss.waves]}}}"
    for name, expected in (
        ("value", loss.value),
        ("slope", loss.slope),
        ("curvature", loss.curvature),
    ):
        for x in (-2.9, -0.4, 0, 1.7):
            assert call(plain_page, "maths/curves.js", f"m.{name}({of}, {x})") == pytest.approx(
                expected(x)
            )
    for derivative, constant in (("slope", loss.lipschitz), ("curvature", loss.smoothness)):
        greatest = f"m.greatest(m.{derivative}, {of}, [{LOW}, {HIGH}])"
        assert call(plain_page, "maths/curves.js", greatest) == pytest.approx(constant)
