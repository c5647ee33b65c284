"""The ticks of axes.js are those of app/web/plots.py."""

import pytest
from playwright.sync_api import Page

from tests.browser.functions import call
from tests.ticks import TICKS

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("low", "high", "expected"), TICKS)
def test_ticks_stay_few_and_short_over_any_number_of_decades(
    plain_page: Page, low: float, high: float, expected: list[str]
) -> None:
    ticks = call(plain_page, "axes.js", f"m.logTicks({low}, {high})")
    assert call(plain_page, "numbers.js", f"{ticks}.map((tick) => m.numeral(tick))") == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (-0.5, "−0.5"), (0.1 + 0.2, "0.3"), (9999, "9,999"), (-2e6, "−2·10⁶")],
)
def test_a_numeral_is_short(plain_page: Page, value: float, text: str) -> None:
    assert call(plain_page, "numbers.js", f"m.numeral({value})") == text
