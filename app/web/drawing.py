"""Drawings made on the server, as plain geometry that a template turns into SVG."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean, pstdev

from app.architectures import (
    MNIST_SHAPE,
    Architecture,
    BatchNorm,
    Convolution,
    Layer,
    Linear,
    LpNorm,
    MaxPool,
    Noise,
    ReLU,
    Shape,
    with_shapes,
)
from app.events import Points
from app.experiments.base import Arm, Metric

# A network's drawing, in its own units: one unit is one pixel of a feature map.
NETWORK_WIDTH = 320
MIDDLE = NETWORK_WIDTH / 2
OPERATION_HEIGHT = 27
GAP = 7
DOT = 6

PLOT_WIDTH, PLOT_HEIGHT = 528, 363
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 8, 46


@dataclass(frozen=True, slots=True)
class Map:
    """One channel's feature map, to scale; `round` for a single number."""

    x: float
    y: float
    size: float
    round: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """One layer's name, on the wire between two rows of maps."""

    y: float
    text: str
    lit: bool


@dataclass(slots=True)
class NetworkDrawing:
    """All rows of one network, from its input down."""

    maps: list[Map] = field(default_factory=list)
    gaps: list[tuple[float, float]] = field(default_factory=list)  # where the wire is hidden
    operations: list[Operation] = field(default_factory=list)
    shapes: list[tuple[float, str]] = field(default_factory=list)
    height: float = 0.0

    def add_maps(self, shape: Shape) -> None:
        """A row of maps, one a channel, and its shape in words."""
        flat = len(shape) == 1
        size = DOT if flat else shape[1]
        space = 4 if flat or shape[0] < 12 else 2
        left = MIDDLE - (shape[0] * (size + space) - space) / 2
        self.gaps.append((self.height, size))
        self.maps += [
            Map(left + index * (size + space), self.height, size, flat) for index in range(shape[0])
        ]
        words = f"{shape[0]} logits" if flat else f"{shape[1]}×{shape[2]}×{shape[0]}"
        self.shapes.append((self.height + size + 11, words))
        self.height += size + 11 + GAP

    def add_operation(self, layer: Layer, *, drawn: bool) -> None:
        """A row for one layer; a row that isn't drawn keeps its place free."""
        if drawn:
            lit = isinstance(layer, BatchNorm)
            self.operations.append(Operation(self.height, _name(layer), lit))
        self.height += OPERATION_HEIGHT + GAP


def draw_network(architecture: Architecture, beside: Architecture) -> NetworkDrawing:
    """The network, with room left where the one `beside` it has layers that this one lacks."""
    drawing = NetworkDrawing()
    drawing.add_maps(MNIST_SHAPE)
    for layer, own, before, after in _aligned(architecture, beside):
        drawing.add_operation(layer, drawn=own)
        if before != after:
            drawing.add_maps(after)
    return drawing


def _aligned(
    architecture: Architecture, beside: Architecture
) -> Iterator[tuple[Layer, bool, Shape, Shape]]:
    """All layers of both: which are this architecture's own, and the shapes around them."""
    longer = max(architecture, beside, key=len)
    own = iter(architecture)
    expected = next(own, None)
    for layer, before, after in with_shapes(longer):
        is_own = layer == expected
        if is_own:
            expected = next(own, None)
        yield layer, is_own, before, after


def _name(layer: Layer) -> str:
    match layer:
        case Convolution(channels, kernel):
            name = f"convolution {kernel}×{kernel}, {channels} channels"
        case ReLU():
            name = "ReLU"
        case MaxPool(size):
            name = f"max-pooling {size}×{size}"
        case BatchNorm():
            name = "BatchNorm"
        case LpNorm(power):
            name = f"ℓ{'∞' if math.isinf(power) else f'{power:g}'} norm"
        case Noise():
            name = "noise"
        case Linear(outputs):
            name = f"linear, {outputs} outputs"
    return name


@dataclass(frozen=True, slots=True)
class Curve:
    """One training's line."""

    arm: Arm
    points: str


@dataclass(frozen=True, slots=True)
class PlotDrawing:
    """One chart of a recorded run: what is seen until, or without, a script."""

    curves: Sequence[Curve]
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]


def draw_plot(points: Sequence[Points], arms: Sequence[Arm], metric: Metric) -> PlotDrawing:
    """One metric of all arms over the steps; a value that isn't finite breaks its line off."""
    by_id = {arm.id: arm for arm in arms}
    series = [
        (by_id[part.arm], list(zip(part.step, part.values[metric.id], strict=True)))
        for part in points
    ]
    values = [value for _, line in series for _, value in line if _drawable(value, metric)]
    last_step = max(step for _, line in series for step, _ in line)
    low, high = min([*values, metric.low]), max([*values, metric.high])

    def x(step: float) -> float:
        return LEFT + step / last_step * (PLOT_WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        if metric.log:
            share = math.log(value / low) / math.log(high / low)
        else:
            share = (value - low) / (high - low)
        return TOP + (1 - share) * (PLOT_HEIGHT - TOP - BOTTOM)

    return PlotDrawing(
        curves=[
            Curve(arm, " ".join(f"{x(s):.1f},{y(v):.1f}" for s, v in line if _drawable(v, metric)))
            for arm, line in series
        ],
        x_ticks=[(x(step), f"{step:g}") for step in _steps(last_step)],
        y_ticks=[(y(value), text) for value, text in _levels(low, high, metric)],
    )


def _drawable(value: float | None, metric: Metric) -> bool:
    return value is not None and math.isfinite(value) and (not metric.log or value > 0)


def _steps(last: int) -> list[float]:
    return [last * fifth / 5 for fifth in range(6)]


def _levels(low: float, high: float, metric: Metric) -> list[tuple[float, str]]:
    if metric.share:
        return [(fifth / 5, f"{fifth / 5:.0%}") for fifth in range(6)]
    if not metric.log:
        return [
            (low + (high - low) * part / 4, f"{low + (high - low) * part / 4:.3g}")
            for part in range(5)
        ]
    levels = [
        mantissa * 10.0**exponent
        for exponent in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for mantissa in (1, 2, 5)
    ]
    return [(level, f"{level:g}") for level in levels if low <= level <= high]


@dataclass(frozen=True, slots=True)
class Stage:
    """A batch at one stage of its normalisation: dots as a path, in the data's own units."""

    title: str
    dots: str


def draw_stages(count: int = 100) -> list[Stage]:
    """What widget batch shows, for readers without scripts: data, centred, normalised."""
    source = random.Random(1)  # noqa: S311  # a drawing
    pairs = [(source.gauss(0, 1.7), source.gauss(0, 0.5)) for _ in range(count)]
    tilt = math.radians(30)
    x = [6.5 + a * math.cos(tilt) - b * math.sin(tilt) for a, b in pairs]
    y = [4.2 + a * math.sin(tilt) + b * math.cos(tilt) for a, b in pairs]
    return [
        Stage("the data", _dots(x, y)),
        Stage("minus its mean", _dots(_standardised(x, 1), _standardised(y, 1))),
        Stage(
            "divided by its standard deviation",
            _dots(_standardised(x, pstdev(x)), _standardised(y, pstdev(y))),
        ),
    ]


def _standardised(values: Sequence[float], scale: float) -> list[float]:
    middle = fmean(values)
    return [(value - middle) / scale for value in values]


def _dots(x: Sequence[float], y: Sequence[float]) -> str:
    return "".join(f"M{a:.2f} {b:.2f}h0" for a, b in zip(x, y, strict=True))
