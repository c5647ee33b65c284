"""The plain functions of statistics.js, against values that were calculated by hand."""

import math
from statistics import fmean, pvariance

import pytest
from playwright.sync_api import Page

from tests.browser.functions import call

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("m.mean([1, 2, 6])", 3),
        ("m.variance([1, 2, 6])", 14 / 3),
        ("m.variance([5])", 0),
        ("m.unbiasedVariance([1, 2, 6])", 7),
        ("m.centre([1, 2, 6])", [-2, -1, 3]),
        ("m.normalise([1, 3], 3)", [-0.5, 0.5]),
        ("m.normalise([4, 4], 1e-5)", [0, 0]),
        ("m.affine([1, -2], 3, 10)", [13, 4]),
        ("m.movingAverages([10, 0], 0.1, 0)", [1, 0.9]),
        ("m.uncentred(2, [1, 3])", 5),
        ("m.quantile([4, 1, 3, 2], 0.5)", 2.5),
    ],
)
def test_statistics_are_what_a_hand_calculates(
    expression: str, value: object, plain_page: Page
) -> None:
    assert call(plain_page, "maths/statistics.js", expression) == pytest.approx(value)


def test_unnormalised_is_what_normalise_takes_back(plain_page: Page) -> None:
    others = [1, 2, 6, 3, 0]
    for target in (-1.9, 0, 0.3, 2):
        value = call(plain_page, "maths/statistics.js", f"m.unnormalised({target}, {others}, 0.01)")
        outcome = call(
            plain_page, "maths/statistics.js", f"m.normalise([{value}, ...{others}], 0.01)[0]"
        )
        assert outcome == pytest.approx(target)
    # No value lies further than √(m − 1) standard deviations from the mean of m.
    beyond = math.sqrt(5) + 0.01
    assert (
        call(plain_page, "maths/statistics.js", f"m.unnormalised({beyond}, {others}, 0.01)")
        == math.inf
    )


def test_random_numbers_repeat_and_are_spread_as_they_should(plain_page: Page) -> None:
    draw = "(() => {{ const next = m.{0}; return Array.from({{length: 4000}}, () => next()); }})()"
    uniform = call(plain_page, "maths/statistics.js", draw.format("uniforms(7)"))
    assert uniform == call(plain_page, "maths/statistics.js", draw.format("uniforms(7)"))
    assert uniform != call(plain_page, "maths/statistics.js", draw.format("uniforms(8)"))
    assert uniform[:3] == mulberry32(7, 3)
    assert min(uniform) >= 0
    assert max(uniform) < 1
    gaussian = call(plain_page, "maths/statistics.js", draw.format("gaussians(m.uniforms(7))"))
    assert fmean(gaussian) == pytest.approx(0, abs=0.05)
    assert pvariance(gaussian) == pytest.approx(1, abs=0.07)
    assert sum(abs(value) < 1 for value in gaussian) / 4000 == pytest.approx(0.683, abs=0.03)


def mulberry32(seed: int, count: int) -> list[float]:
    """The generator's definition once more, in integers without bounds."""
    numbers, state, word = [], seed, 2**32
    for _ in range(count):
        state = (state + 0x6D2B79F5) % word
        mixed = (state ^ state >> 15) * (state | 1) % word
        mixed ^= (mixed + (mixed ^ mixed >> 7) * (mixed | 61)) % word
        numbers.append((mixed ^ mixed >> 14) / word)
    return numbers
