import math
import re
from dataclasses import replace

import pytest

from app import recordings
from app.events import Points, Row
from app.experiments import EXPERIMENTS
from app.experiments.base import Experiment, Level
from app.experiments.depth import DEPTH
from app.experiments.learning_rates import LEARNING_RATES
from app.experiments.loss_surface import LOSS_SURFACE
from app.experiments.metrics import ACCURACY, LOSS_MIN, TEST_LOSS
from app.experiments.smoothness import SMOOTHNESS
from app.web.plots import (
    BOTTOM,
    LEFT,
    MOST_POINTS,
    PLOT_HEIGHT,
    PLOT_WIDTH,
    RIGHT,
    TOP,
    draw_plot,
    draw_profile,
)
from tests.ticks import TICKS

ARMS = LEARNING_RATES.arms
ARM = ARMS[0].id
(BETWEEN,) = LOSS_SURFACE.profiles

# The project's own bound: the page has some twenty charts.
HEAVIEST = 6_000


def corners(path: str) -> list[list[tuple[int, int]]]:
    """The absolute points of each part of a path of relative lines."""
    parts = []
    for x, y, moves in re.findall(r"M(-?\d+) (-?\d+)l([^Mz]*)", path):
        numbers = list(map(int, re.findall(r"-?\d+", moves)))
        part = [(int(x), int(y))]
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            part.append((part[-1][0] + dx, part[-1][1] + dy))
        parts.append(part)
    return parts


def drawn(values: list[float], metric: str = "test_loss") -> list[list[tuple[int, int]]]:
    points = [Points(ARM, 1, list(range(len(values))), {metric: values})]
    shown = TEST_LOSS if metric == "test_loss" else ACCURACY
    (curve,) = draw_plot(points, ARMS, shown).curves
    return corners(curve.path)


def test_a_curve_runs_from_left_to_right_and_up_with_its_values() -> None:
    (line,) = drawn([0.1, 0.5, 0.9], "test_accuracy")
    xs, ys = zip(*line, strict=True)
    assert list(xs) == sorted(xs)
    assert list(ys) == sorted(ys, reverse=True)  # in SVG, up is less
    assert xs[1] == pytest.approx((xs[0] + xs[2]) / 2, abs=1)
    assert ys[1] == pytest.approx((ys[0] + ys[2]) / 2, abs=1)


def test_equal_factors_are_equal_distances_on_a_logarithmic_axis() -> None:
    ((_, top), (_, middle), (_, bottom)) = drawn([4.0, 2.0, 1.0])[0]
    assert middle - top == pytest.approx(bottom - middle, abs=1)


@pytest.mark.parametrize("gone", [math.nan, math.inf, None])
def test_a_value_that_can_not_be_drawn_breaks_its_line_off_with_a_mark(gone: float) -> None:
    points = [Points(ARM, 1, [0, 2, 4, 6], {"test_loss": [2.0, 3.0, gone, 1.0]})]
    (curve,) = draw_plot(points, ARMS, TEST_LOSS).curves
    assert [len(part) for part in corners(curve.path)] == [2, 1]
    assert curve.marks.count("M") == 1


def test_a_value_outside_the_axis_widens_it_and_one_far_outside_is_marked_at_its_edge() -> None:
    for loss, marks in ((1e-3, 1), (0.0, 1), (0.1, 0), (20.0, 0), (1e4, 1)):
        points = [Points(ARM, 1, [0, 2], {"test_loss": [2.0, loss]})]
        (curve,) = draw_plot(points, ARMS, TEST_LOSS).curves
        assert curve.marks.count("M") == marks, loss
        for x, y in corners(curve.path)[0]:
            assert LEFT <= x <= PLOT_WIDTH
            assert TOP <= y <= PLOT_HEIGHT - BOTTOM


def test_the_ticks_lie_where_their_values_do() -> None:
    points = [Points(ARM, 1, [0, 50, 100], {"test_accuracy": [0.0, 0.4, 1.0]})]
    plot = draw_plot(points, ARMS, ACCURACY)
    (line,) = corners(plot.curves[0].path)
    assert {text: y for y, text in plot.y_ticks}["40%"] == line[1][1]
    assert {text: x for x, text in plot.x_ticks}["100"] == line[2][0]


def test_parts_of_one_training_are_one_line_in_the_order_of_its_steps() -> None:
    parts = [
        Points(ARM, 1, [4, 6], {"test_loss": [2.0, 1.0]}),
        Points(ARM, 1, [5], {"dead_units": [0.5]}),
        Points(ARM, 1, [0, 2], {"test_loss": [4.0, 3.0]}),
    ]
    (curve,) = draw_plot(parts, ARMS, TEST_LOSS).curves
    (line,) = corners(curve.path)
    assert line == sorted(line)
    assert len(line) == 4


def test_a_long_line_keeps_its_ends_and_loses_points() -> None:
    values = [1 + 0.01 * step for step in range(401)]
    (line,) = drawn(values)
    assert len(line) <= MOST_POINTS + 1
    assert line[0][0] == LEFT
    assert line[-1][0] == max(x for x, _ in line)


def test_a_long_line_keeps_a_leap_of_a_single_step() -> None:
    values = [1.0] * 401
    values[203], values[207] = 2.0, 0.5
    (line,) = drawn(values)
    heights = [y for _, y in line]
    assert heights.count(min(heights)) == heights.count(max(heights)) == 1
    assert len(line) <= MOST_POINTS + 3


def test_a_metric_with_an_upper_one_is_a_band_between_two_lines() -> None:
    points = [Points("cnn", 1, [0, 4], {"loss_min": [1.0, 0.5], "loss_max": [2.0, 4.0]})]
    plot = draw_plot(points, SMOOTHNESS.arms, LOSS_MIN)
    lower, upper = (corners(curve.path)[0] for curve in plot.curves)
    assert all(high[1] < low[1] for low, high in zip(lower, upper, strict=True))
    (band,) = plot.bands
    assert corners(band.path)[0] == [*lower, *reversed(upper)]


def test_a_level_is_drawn_on_its_own_chart_alone() -> None:
    points = [Points(ARM, 1, [0, 1], {"test_loss": [2.0, 1.0]})]
    levels = [Level("test_loss", 1.0, "here"), Level("other", 2.0, "elsewhere")]
    plot = draw_plot(points, ARMS, TEST_LOSS, levels)
    height = corners(plot.curves[0].path)[0][1][1]
    assert plot.levels == [(height, height)]


def test_a_level_may_lead_from_one_value_to_another() -> None:
    points = [Points(ARM, 1, [0, 1], {"test_loss": [2.0, 1.0]})]
    plot = draw_plot(points, ARMS, TEST_LOSS, [Level("test_loss", 2.0, "down", until=1.0)])
    (start, end), ((_, first), (_, last)) = plot.levels[0][:2], corners(plot.curves[0].path)[0]
    assert (start, end) == (first, last)


def test_a_profile_has_a_tick_at_either_network() -> None:
    row = Row(ARM, 1, 100, "line", -0.5, 1.5, [3.0, 0.5, 1.0, 0.5, 3.0])
    plot = draw_profile([row], ARMS, BETWEEN)
    (line,) = corners(plot.curves[0].path)
    assert [x for x, _ in plot.x_ticks] == [line[1][0], line[3][0]]


def test_of_several_rows_of_a_training_the_newest_is_drawn() -> None:
    rows = [Row(ARM, 1, step, "line", -0.5, 1.5, [loss, loss]) for step, loss in ((0, 2), (9, 1))]
    plot = draw_profile([*rows, replace(rows[0], seed=2)], ARMS, BETWEEN)
    drawn = [curve for curve in plot.curves if not curve.start]
    older, newer = (corners(curve.path)[0][0][1] for curve in reversed(drawn))
    assert len(drawn) == 2
    assert newer > older  # lower down: a smaller loss


def test_the_first_row_of_a_training_stays_behind_its_newest() -> None:
    rows = [Row(ARM, 1, s, "line", -0.5, 1.5, [loss, loss]) for s, loss in ((0, 2), (5, 1), (9, 3))]
    newest, start = draw_profile(rows, ARMS, BETWEEN).curves
    assert [newest.start, start.start] == [False, True]
    assert corners(start.path)[0][0][1] > corners(newest.path)[0][0][1]  # 2 lies lower than 3
    assert [curve.start for curve in draw_profile(rows[:1], ARMS, BETWEEN).curves] == [False]


def test_a_profile_without_a_high_end_goes_as_far_as_its_rows() -> None:
    size, _ = DEPTH.profiles
    for depth in (2, 24):
        row = Row("bn", 1, 0, size.metric.id, 1, depth, [1.0] * depth)
        (line,) = corners(draw_profile([row], DEPTH.arms, size).curves[0].path)
        assert (line[0][0], line[-1][0]) == (LEFT, PLOT_WIDTH - RIGHT)
    assert draw_profile([], DEPTH.arms, size).curves == []


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda found: found.slug)
def test_every_recorded_metric_can_be_drawn_and_is_light(experiment: Experiment) -> None:
    recording = recordings.load(experiment.slug)
    assert recording is not None
    recorded = {name for part in recording.points for name in part.values}
    for metric in experiment.metrics:
        plot = draw_plot(recording.points, experiment.arms, metric)
        assert bool(plot.curves) == (metric.id in recorded)
        assert sum(len(curve.path + curve.marks) for curve in plot.curves) <= HEAVIEST


def ticks(low: float, high: float) -> list[str]:
    """Of a logarithmic axis that shows these two."""
    metric = replace(TEST_LOSS, low=low, high=high)
    return [text for _, text in draw_plot([], ARMS, metric).y_ticks]


@pytest.mark.parametrize(("low", "high", "expected"), TICKS)
def test_ticks_stay_few_and_short_over_any_number_of_decades(
    low: float, high: float, expected: list[str]
) -> None:
    assert ticks(low, high) == expected


def test_the_values_at_the_end_of_the_lines_are_told() -> None:
    ends = {ARMS[0].id: [2.0, 0.31415926], ARMS[1].id: [2.0, 1.5e-5, math.nan]}
    points = [Points(arm, 1, list(range(len(y))), {"test_loss": y}) for arm, y in ends.items()]
    plot = draw_plot(points, ARMS, TEST_LOSS)
    assert plot.ends == {ARMS[0].id: "0.314", ARMS[1].id: "1.5·10⁻⁵"}
    assert plot.end == "step 1"
    longer = [*points, Points(ARMS[2].id, 1, [0, 1, 2], {"test_loss": [1.0, 1.0, 1.0]})]
    assert draw_plot(longer, ARMS, TEST_LOSS).end == "latest"


def test_of_several_seeds_the_median_is_told_and_of_a_band_both_edges() -> None:
    several = [Points(ARM, seed, [0], {"test_accuracy": [seed / 10]}) for seed in (1, 2, 9)]
    assert draw_plot(several, ARMS, ACCURACY).ends == {ARM: "20.0%"}
    band = [Points(ARM, 1, [0], {LOSS_MIN.id: [0.5], str(LOSS_MIN.upper): [2.5]})]
    assert draw_plot(band, ARMS, LOSS_MIN).ends == {ARM: "0.5 to 2.5"}
