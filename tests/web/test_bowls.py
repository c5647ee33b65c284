import math

import pytest

from app.web.bowls import GOAL, LEVELS, MINIMUM, OFFSET, SCALE, START, draw_bowls

RAW, NORMALISED = draw_bowls()


def error(x: float, y: float) -> float:
    """The mean squared error of the raw inputs, by its definition: uncorrelated, so that
    E[(d·x)²] = (d·μ)² + Σ d²σ².
    """
    d1, d2 = x - MINIMUM[0], y - MINIMUM[1]
    return (d1 * OFFSET + d2 * OFFSET) ** 2 + d1**2 + (d2 * SCALE) ** 2


def test_the_error_is_the_same_all_along_a_contour_line() -> None:
    tilt = math.radians(RAW.angle)
    for (rx, ry), level in zip([*RAW.contours, RAW.goal], [*reversed(LEVELS), GOAL], strict=True):
        for degrees in range(0, 360, 30):
            along, across = (
                rx * math.cos(math.radians(degrees)),
                ry * math.sin(math.radians(degrees)),
            )
            x = MINIMUM[0] + along * math.cos(tilt) - across * math.sin(tilt)
            y = MINIMUM[1] + along * math.sin(tilt) + across * math.cos(tilt)
            assert error(x, y) == pytest.approx(level * error(*START))


def test_the_descent_ends_with_the_first_step_within_the_goal() -> None:
    errors = [error(*place) for place in RAW.path]
    assert errors[-1] <= GOAL * errors[0] < errors[-2]
    assert errors == sorted(errors, reverse=True)
    # At the best rate every error is that before, times ((κ − 1) / (κ + 1))².
    ratio = ((RAW.condition - 1) / (RAW.condition + 1)) ** 2
    assert RAW.steps == math.ceil(math.log(GOAL) / math.log(ratio))


def test_normalised_inputs_make_the_bowl_round_and_the_descent_one_step() -> None:
    assert RAW.condition > 20
    assert NORMALISED.condition == 1
    assert all(rx == ry for rx, ry in NORMALISED.contours)
    assert NORMALISED.path == [START, pytest.approx(MINIMUM)]
