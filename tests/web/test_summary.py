"""What a chart is in words; tests/browser/test_summary.py asks the browser for the same."""

import pytest

from app.experiments.base import Level
from app.experiments.metrics import ACCURACY, TEST_LOSS
from app.web.summary import Line, numeral, summary
from tests.courses import COURSES, NUMERALS


@pytest.mark.parametrize(("line", "text"), COURSES)
def test_a_line_is_told_by_its_ends_and_its_extremes(line: Line, text: str) -> None:
    told = summary(TEST_LOSS, "training step", [("Plain", line)])
    assert told == f"Test loss (nats) over the training step. Plain: {text}."


@pytest.mark.parametrize(("value", "digits", "text"), NUMERALS)
def test_a_number_has_few_digits(value: float, digits: int, text: str) -> None:
    assert numeral(value, digits) == text


def test_a_share_is_told_in_percent() -> None:
    told = summary(ACCURACY, "training step", [("Plain", [(0, 0.0625), (2, -0.0004), (4, -0.01)])])
    assert told.endswith("Plain: first and greatest 6.3% at 0, least and last −1.0% at 4.")


def test_names_stand_for_places_and_levels_are_told() -> None:
    names = {-2.0: "¼", 0.0: "1"}
    levels = [Level("x", 20, "2/rate"), Level("x", 20, "decay", until=1e-4)]
    told = summary(TEST_LOSS, "factor", [("A", [(-2, 2), (0, 1)])], names=names, levels=levels)
    assert told == (
        "Test loss (nats) over the factor. A: first and greatest 2 at ¼, least and last 1 at 1. "
        "Dotted line, 2/rate: 20. Dotted line, decay: from 20 to 10⁻⁴."
    )


def test_nothing_measured_is_told_too() -> None:
    told = summary(TEST_LOSS, "training step", [("A", [])])
    assert told == "Test loss (nats) over the training step: nothing measured yet."
