import pytest

from app.web.curves import CEILING, FLOOR, HIGH, LOW, ROUGH, SMOOTH, Loss, touch

PLACES = [LOW + (HIGH - LOW) * index / 400 for index in range(401)]
BOTH = pytest.mark.parametrize("loss", [ROUGH, SMOOTH], ids=lambda loss: str(loss.title))


@BOTH
def test_slope_and_curvature_are_the_derivatives(loss: Loss) -> None:
    h = 1e-4
    for x in PLACES:
        before, here, after = (loss.value(x + d) for d in (-h, 0, h))
        assert loss.slope(x) == pytest.approx((after - before) / (2 * h), abs=1e-5)
        assert loss.curvature(x) == pytest.approx((after - 2 * here + before) / h**2, abs=1e-4)


@BOTH
def test_the_curve_lies_inside_the_drawing_and_outside_its_cone(loss: Loss) -> None:
    for x in PLACES[::20]:
        for other in PLACES:
            assert FLOOR < loss.value(other) < CEILING
            rise = abs(loss.value(other) - loss.value(x))
            assert rise <= loss.lipschitz * abs(other - x) + 1e-9


@BOTH
def test_the_curve_stays_below_the_parabola_that_touches_it(loss: Loss) -> None:
    for x in PLACES[::20]:
        bottom, depth = touch(loss, x).vertex
        for other in PLACES:
            parabola = depth + loss.smoothness / 2 * (other - bottom) ** 2
            assert loss.value(other) <= parabola + 1e-6


def test_the_bounds_of_the_rough_loss_are_the_greater_and_its_step_the_shorter() -> None:
    assert ROUGH.lipschitz > 1.5 * SMOOTH.lipschitz
    assert ROUGH.smoothness > 10 * SMOOTH.smoothness
    rough, smooth = (touch(loss) for loss in (ROUGH, SMOOTH))
    assert abs(rough.vertex[0] - rough.x) < abs(smooth.vertex[0] - smooth.x) / 3


def test_the_bounds_of_a_parabola_are_known() -> None:
    loss = Loss("parabola", 0.5, ())
    assert loss.lipschitz == HIGH
    assert loss.smoothness == 1
    # Its own parabola is itself: the step leads to its minimum.
    assert touch(loss, 2.0).vertex == (0, 0)
