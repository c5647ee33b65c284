import math
import re
from statistics import fmean, pstdev

import pytest

from app.architectures import shallow
from app.events import Points
from app.experiments.learning_rates import LEARNING_RATES
from app.experiments.metrics import ACCURACY, TEST_LOSS
from app.web.drawing import (
    NETWORK_WIDTH,
    PLOT_HEIGHT,
    PLOT_WIDTH,
    draw_network,
    draw_plot,
    draw_stages,
)

PLAIN = shallow("none", "after_pooling", 0.1)
NORMED = shallow("batch", "after_pooling", 0.1)


def test_a_network_is_drawn_as_its_description_says() -> None:
    drawing = draw_network(NORMED, PLAIN)
    assert [shape for _, shape in drawing.shapes] == [
        *("28×28×1", "28×28×8", "14×14×8", "14×14×16", "7×7×16", "10 logits")
    ]
    assert len(drawing.maps) == 1 + 8 + 8 + 16 + 16 + 10
    assert sum(operation.text == "BatchNorm" for operation in drawing.operations) == 2
    assert [operation.text for operation in drawing.operations if operation.lit] == [
        *("BatchNorm", "BatchNorm")
    ]


def test_every_map_lies_within_the_drawing() -> None:
    drawing = draw_network(NORMED, PLAIN)
    for each in drawing.maps:
        assert 0 <= each.x <= each.x + each.size <= NETWORK_WIDTH
        assert 0 <= each.y <= each.y + each.size <= drawing.height


def test_two_networks_side_by_side_line_up() -> None:
    plain, normed = draw_network(PLAIN, NORMED), draw_network(NORMED, PLAIN)
    assert plain.maps == normed.maps
    assert plain.height == normed.height
    missing = {operation.y for operation in normed.operations if operation.lit}
    assert {operation.y for operation in plain.operations}.isdisjoint(missing)
    assert len(plain.operations) == len(normed.operations) - 2


def numbers(points: str) -> list[tuple[float, float]]:
    pairs = [pair.split(",") for pair in points.split()]
    return [(float(x), float(y)) for x, y in pairs]


def test_a_curve_runs_from_left_to_right_and_up_with_its_values() -> None:
    arm = LEARNING_RATES.arms[0]
    points = [Points(arm.id, 1, [0, 50, 100], {"test_accuracy": [0.1, 0.5, 0.9]})]
    plot = draw_plot(points, LEARNING_RATES.arms, ACCURACY)
    (curve,) = plot.curves
    assert curve.arm is arm
    xs, ys = zip(*numbers(curve.points), strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys, reverse=True)  # in SVG, up is less
    assert xs[1] == pytest.approx((xs[0] + xs[2]) / 2, abs=0.1)
    assert ys[1] == pytest.approx((ys[0] + ys[2]) / 2, abs=0.1)


def test_equal_factors_are_equal_distances_on_a_logarithmic_axis() -> None:
    points = [Points(LEARNING_RATES.arms[0].id, 1, [0, 1, 2], {"test_loss": [4.0, 2.0, 1.0]})]
    (curve,) = draw_plot(points, LEARNING_RATES.arms, TEST_LOSS).curves
    top, middle, bottom = (y for _, y in numbers(curve.points))
    assert middle - top == pytest.approx(bottom - middle, abs=0.2)


@pytest.mark.parametrize("gone", [math.nan, math.inf, None])
def test_a_value_that_can_not_be_drawn_ends_its_line(gone: float) -> None:
    points = [Points(LEARNING_RATES.arms[0].id, 1, [0, 2, 4], {"test_loss": [2.0, 3.0, gone]})]
    (curve,) = draw_plot(points, LEARNING_RATES.arms, TEST_LOSS).curves
    assert len(numbers(curve.points)) == 2


def test_a_value_outside_the_axis_widens_it() -> None:
    arm = LEARNING_RATES.arms[0].id
    for loss in (1e-3, 50.0, 1e4):
        plot = draw_plot(
            [Points(arm, 1, [0, 2], {"test_loss": [2.0, loss]})], LEARNING_RATES.arms, TEST_LOSS
        )
        for x, y in numbers(plot.curves[0].points):
            assert 0 <= x <= PLOT_WIDTH
            assert 0 <= y <= PLOT_HEIGHT


def test_the_ticks_lie_where_their_values_do() -> None:
    arm = LEARNING_RATES.arms[0].id
    points = [Points(arm, 1, [0, 50, 100], {"test_accuracy": [0.0, 0.4, 1.0]})]
    plot = draw_plot(points, LEARNING_RATES.arms, ACCURACY)
    drawn = numbers(plot.curves[0].points)
    ticks = {text: y for y, text in plot.y_ticks}
    assert ticks["40%"] == pytest.approx(drawn[1][1], abs=0.1)
    assert {text: x for x, text in plot.x_ticks}["100"] == pytest.approx(drawn[2][0], abs=0.1)


def test_the_stages_of_a_batch_end_at_mean_zero_and_variance_one() -> None:
    data, centred, normalised = (
        [list(map(float, values)) for values in zip(*_dots(stage.dots), strict=True)]
        for stage in draw_stages()
    )
    for before, middle, after in zip(data, centred, normalised, strict=True):
        assert fmean(before) > 3 * pstdev(before)
        assert fmean(middle) == pytest.approx(0, abs=0.01)
        assert pstdev(middle) == pytest.approx(pstdev(before), abs=0.01)
        assert fmean(after) == pytest.approx(0, abs=0.01)
        assert pstdev(after) == pytest.approx(1, abs=0.01)


def _dots(path: str) -> list[tuple[str, str]]:
    return re.findall(r"M(\S+) (\S+)h0", path)
