"""A recorded run's curves, as plain geometry: what is seen until, or without, a script."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count, pairwise
from statistics import median

from app.events import Points, Row
from app.experiments.base import Arm, Level, Metric, Profile
from app.web.summary import Line, finite, in_percent, numeral, summary

PLOT_WIDTH, PLOT_HEIGHT = 528, 363
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 8, 46

# More points than that hardly show at this size, and the page has some fifty charts.
MOST_POINTS = 27
# How far a logarithmic axis may grow beyond what it shows at least; what lies further out is drawn
# at its edge, with a mark.
ROOM = 10
MOST_TICKS = 8
OVER_STEPS = "training step"


@dataclass(frozen=True, slots=True)
class Curve:
    """One line as an SVG path, and the marks where it breaks off or leaves the axis.

    `start`: it shows where another one of its arm began.
    """

    arm: Arm
    path: str
    marks: str
    start: bool = False


@dataclass(frozen=True, slots=True)
class Band:
    """The area between an arm's two edges, as an SVG path."""

    arm: Arm
    path: str


@dataclass(frozen=True, slots=True)
class PlotDrawing:
    """One chart of a recorded run; `summary` says in words what it shows."""

    curves: Sequence[Curve]
    bands: Sequence[Band]
    levels: Sequence[tuple[int, int]]  # y at either edge
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]
    ends: Mapping[str, str]  # arm → the value at the end of its line, in words
    end: str  # where that is
    summary: str


@dataclass(frozen=True, slots=True)
class _Axis:
    """Values from `low` to `high` onto lengths from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> int:
        low, high = self.low, self.high
        value = min(max(value, low), high)
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return round(self.start + (value - low) / (high - low) * (self.end - self.start))


def draw_plot(
    points: Sequence[Points], arms: Sequence[Arm], metric: Metric, levels: Sequence[Level] = ()
) -> PlotDrawing:
    """One metric of all arms over the steps; a value that isn't finite breaks its line off.

    A metric with an `upper` one is drawn as a band with a line at each edge.
    """
    series = [(arm, line) for arm in arms for line in _lines(points, arm.id, metric.id)]
    uppers = [
        (arm, line) for arm in arms if metric.upper for line in _lines(points, arm.id, metric.upper)
    ]
    own_levels = [level for level in levels if level.metric == metric.id]
    steps = [step for _, line in series for step, _ in line]
    x = _Axis(0, max(steps, default=1) or 1, LEFT, PLOT_WIDTH - RIGHT)
    values = [value for _, line in [*series, *uppers] for _, value in line if finite(value)]
    y = _value_axis(metric, [*values, *(end for level in own_levels for end in level.ends)])
    return PlotDrawing(
        curves=[_curve(arm, line, x, y) for arm, line in [*series, *uppers]],
        bands=[
            Band(arm, _area(lower, upper, x, y))
            for (arm, lower), (_, upper) in zip(series, uppers, strict=False)
        ],
        levels=_levels(own_levels, y),
        x_ticks=[(x.at(step), f"{step:,g}") for step in _linear_ticks(x.low, x.high)],
        y_ticks=[(y.at(value), text) for value, text in _ticks(y, metric)],
        ends=_ends(series, uppers, metric),
        end=_end(series, lambda step: f"step {step:,g}"),
        summary=summary(
            metric,
            OVER_STEPS,
            [
                *((arm.label, line) for arm, line in series),
                *((f"{arm.label}, upper edge", line) for arm, line in uppers),
            ],
            levels=own_levels,
        ),
    )


def draw_profile(
    rows: Sequence[Row], arms: Sequence[Arm], profile: Profile, levels: Sequence[Level] = ()
) -> PlotDrawing:
    """The newest row of each training that has the profile's metric, over its places.

    And its first row, where that is another one.
    """
    metric = profile.metric
    ours = [row for row in rows if row.metric == metric.id]
    newest = {(row.arm, row.seed): row for row in ours}
    first = {(row.arm, row.seed): row for row in reversed(ours)}
    lines = _row_lines(arms, newest.values())
    starts = _row_lines(arms, [row for of, row in first.items() if row is not newest[of]])
    own_levels = [level for level in levels if level.metric == metric.id]
    furthest = max((row.high for row in ours), default=profile.low + 1)
    high = furthest if profile.high is None else profile.high
    x = _Axis(profile.low, high, LEFT, PLOT_WIDTH - RIGHT)
    values = [value for _, line in [*lines, *starts] for _, value in line if finite(value)]
    y = _value_axis(metric, [*values, *(end for level in own_levels for end in level.ends)])
    x_ticks = profile.ticks or [(at, _number(at)) for at in _linear_ticks(x.low, x.high)]
    return PlotDrawing(
        curves=[
            *(_curve(arm, line, x, y) for arm, line in lines),
            *(replace(_curve(arm, line, x, y), start=True) for arm, line in starts),
        ],
        bands=[],
        levels=_levels(own_levels, y),
        x_ticks=[(x.at(at), text) for at, text in x_ticks],
        y_ticks=[(y.at(value), text) for value, text in _ticks(y, metric)],
        ends=_ends(lines, [], metric),
        end=_end(lines, lambda at: _place(at, profile, newest.values())),
        summary=summary(
            metric,
            profile.label,
            [
                *((arm.label, line) for arm, line in lines),
                *((f"{arm.label}, at first", line) for arm, line in starts),
            ],
            names=profile.place_names,
            levels=own_levels,
        ),
    )


def _ends(
    series: Sequence[tuple[Arm, Line]], uppers: Sequence[tuple[Arm, Line]], metric: Metric
) -> dict[str, str]:
    """Arm → the last finite value of its line, the median over the seeds. So does `charts.js`."""
    texts: dict[str, list[str]] = {}
    for lines in (series, uppers):
        for arm in dict.fromkeys(arm.id for arm, _ in lines):
            lasts = [
                next((value for _, value in reversed(line) if finite(value)), None)
                for of, line in lines
                if of.id == arm
            ]
            if known := [value for value in lasts if value is not None]:
                texts.setdefault(arm, []).append(_reading(median(known), metric))
    return {arm: " to ".join(parts) for arm, parts in texts.items()}


def _end(series: Sequence[tuple[Arm, Line]], words: Callable[[float], str]) -> str:
    """Where all lines end; "latest" if they don't end together."""
    ends = {
        max(at for at, value in line if finite(value))
        for _, line in series
        if any(finite(value) for _, value in line)
    }
    return words(ends.pop()) if len(ends) == 1 else "latest"


def _place(at: float, profile: Profile, rows: Iterable[Row]) -> str:
    """That place of a profile in words, and the step if its rows are all of the same."""
    steps = {row.step for row in rows}
    step = f", step {steps.pop():,}" if len(steps) == 1 else ""
    return f"{profile.label}: {profile.place_names.get(at) or numeral(at, 3)}{step}"


def _reading(value: float, metric: Metric) -> str:
    return in_percent(value) if metric.share else numeral(value, 3)


def _levels(levels: Sequence[Level], y: _Axis) -> list[tuple[int, int]]:
    return [(y.at(start), y.at(end)) for start, end in (level.ends for level in levels)]


def _row_lines(arms: Sequence[Arm], rows: Iterable[Row]) -> list[tuple[Arm, Line]]:
    return [
        (arm, list(zip(row.places(), row.values, strict=True)))
        for arm in arms
        for row in rows
        if row.arm == arm.id
    ]


def _lines(points: Sequence[Points], arm: str, metric: str) -> list[Line]:
    """That metric of that arm, a line for each seed: its parts joined and put in order."""
    by_seed: dict[int, dict[int, float]] = {}
    for part in points:
        if part.arm == arm and metric in part.values:
            line = by_seed.setdefault(part.seed, {})
            line.update(zip(part.step, part.values[metric], strict=True))
    return [sorted(line.items()) for line in by_seed.values()]


def _value_axis(metric: Metric, values: Iterable[float]) -> _Axis:
    low, high = metric.low, metric.high
    if metric.log:
        values = [min(max(value, low / ROOM), high * ROOM) for value in values]
    return _Axis(
        min([low, *values]), max([high, *values]), PLOT_HEIGHT - BOTTOM, TOP, log=metric.log
    )


def _curve(arm: Arm, line: Line, x: _Axis, y: _Axis) -> Curve:
    return Curve(arm, _path(_thinned(line), x, y), _marks(line, x, y))


def _thinned(line: Line) -> Line:
    """Every so many points, the last, the least and the greatest: a leap is not left out."""
    stride = math.ceil(len(line) / MOST_POINTS)
    if stride < 2:
        return line
    kept = {*range(0, len(line), stride), len(line) - 1}
    values = {index: value for index, (_, value) in enumerate(line) if finite(value)}
    if values:
        kept |= {min(values, key=values.__getitem__), max(values, key=values.__getitem__)}
    return [line[index] for index in sorted(kept)]


def _path(line: Line, x: _Axis, y: _Axis) -> str:
    """A path that stops where the line has a gap. Relative: that takes fewer digits."""
    parts: list[list[tuple[int, int]]] = [[]]
    for step, value in line:
        if finite(value):
            parts[-1].append((x.at(step), y.at(value)))
        elif parts[-1]:
            parts.append([])
    return "".join(_polyline(part) for part in parts if part)


def _polyline(part: Sequence[tuple[int, int]]) -> str:
    (x, y), moves = part[0], [f"{b[0] - a[0]} {b[1] - a[1]}" for a, b in pairwise(part)]
    return f"M{x} {y}l{' '.join(moves)}".replace(" -", "-")


def _area(lower: Line, upper: Line, x: _Axis, y: _Axis) -> str:
    """The outline of a band: along its lower edge and back along its upper one."""
    edges = [*_thinned(lower), *reversed(_thinned(upper))]
    outline = [(x.at(step), y.at(value)) for step, value in edges if finite(value)]
    return f"{_polyline(outline)}z" if outline else ""


def _marks(line: Line, x: _Axis, y: _Axis) -> str:
    """A cross where a line breaks off, a triangle where it leaves the axis."""
    text, was_outside = "", False
    for (step, value), (_, following) in pairwise([*line, (0, 0.0)]):
        if not finite(value):
            was_outside = False
            continue
        at, place = x.at(step), y.at(value)
        outside = not y.low <= value <= y.high
        if not finite(following):
            text += f"M{at - 4} {place - 4}l8 8m0-8l-8 8"
        elif outside and not was_outside:
            text += f"M{at} {TOP}l-5 9h10z" if value > y.high else f"M{at} {place}l-5-9h10z"
        was_outside = outside
    return text


def _ticks(axis: _Axis, metric: Metric) -> list[tuple[float, str]]:
    if metric.share:
        return [(fifth / 5, f"{fifth / 5:.0%}") for fifth in range(6)]
    ticks = _log_ticks(axis.low, axis.high) if axis.log else _linear_ticks(axis.low, axis.high)
    return [(value, _number(value)) for value in ticks]


def _number(value: float) -> str:
    return numeral(value, 6)


def _linear_ticks(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten: at most seven."""
    span = high - low
    power = 10.0 ** math.floor(math.log10(span / 5))
    unit = next(power * m for m in (1, 2, 5, 10) if span / (power * m) <= 6)
    return [
        round(step * unit, 12)
        for step in range(math.ceil(low / unit - 1e-9), math.floor(high / unit + 1e-9) + 1)
    ]


def _log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten; 2 and 5 times them, too, where there is room; every so many where not."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for mantissas, stride in chain([((1, 2, 5), 1)], (((1,), stride) for stride in count(1))):
        ticks = [
            mantissa * 10.0**exponent
            for exponent in exponents
            if exponent % stride == 0
            for mantissa in mantissas
        ]
        within = [tick for tick in ticks if low <= tick <= high]
        if len(within) <= MOST_TICKS:
            break
    return within
