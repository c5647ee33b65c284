"""The axes of charts, and the numbers that stand there."""

import pytest
from playwright.sync_api import Page

from tests.browser.functions import call

pytestmark = pytest.mark.browser

# (low, high, texts)
TICKS = [
    (0.2, 3, ["0.2", "0.5", "1", "2"]),
    (1e-3, 1, ["0.001", "0.01", "0.1", "1"]),
    (5e3, 2e5, ["5,000", "10⁴", "2·10⁴", "5·10⁴", "10⁵", "2·10⁵"]),
    (1e5, 1e8, ["10⁵", "10⁶", "10⁷", "10⁸"]),
    (1e-6, 1, ["10⁻⁶", "10⁻⁵", "10⁻⁴", "0.001", "0.01", "0.1", "1"]),
    (1e3, 1e15, ["10⁴", "10⁶", "10⁸", "10¹⁰", "10¹²", "10¹⁴"]),
    (1e-15, 1e15, ["10⁻¹²", "10⁻⁸", "10⁻⁴", "1", "10⁴", "10⁸", "10¹²"]),
]


@pytest.mark.parametrize(("low", "high", "expected"), TICKS)
def test_ticks_stay_few_and_short_over_any_number_of_decades(
    plain_page: Page, low: float, high: float, expected: list[str]
) -> None:
    ticks = call(plain_page, "charts/axes.js", f"m.logTicks({low}, {high})")
    assert (
        call(plain_page, "text/numbers.js", f"{ticks}.map((tick) => m.numeral(tick))") == expected
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (-0.5, "−0.5"), (0.1 + 0.2, "0.3"), (9999, "9,999"), (-2e6, "−2·10⁶")],
)
def test_a_numeral_is_short(plain_page: Page, value: float, text: str) -> None:
    assert call(plain_page, "text/numbers.js", f"m.numeral({value})") == text
