"""Networks and batches, as plain geometry that a template turns into SVG."""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from statistics import fmean, pstdev

from app.architectures import (
    MNIST_SHAPE,
    Architecture,
    BatchNorm,
    Convolution,
    GroupNorm,
    Layer,
    Linear,
    LpNorm,
    MaxPool,
    Noise,
    ReLU,
    Shape,
    Sigmoid,
    with_shapes,
)

# A network's drawing, in its own units: one unit is one pixel of a feature map.
NETWORK_WIDTH = 320
MIDDLE = NETWORK_WIDTH / 2
OPERATION_HEIGHT = 27
GAP = 7
DOT = 6


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
        case Sigmoid():
            name = "sigmoid"
        case MaxPool(size):
            name = f"max-pooling {size}×{size}"
        case BatchNorm():
            name = "BatchNorm"
        case LpNorm(power):
            name = f"ℓ{'∞' if math.isinf(power) else f'{power:g}'} norm"
        case GroupNorm(groups):
            name = f"GroupNorm, {groups} groups"
        case Noise():
            name = "noise"
        case Linear(outputs):
            name = f"linear, {outputs} outputs"
    return name


@dataclass(frozen=True, slots=True)
class Stage:
    """A batch at one stage of its normalisation: dots as a path, in the data's own units."""

    title: str
    dots: str


@cache
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
    return "".join(f"M{a:.2f} {b:.2f}h0.001" for a, b in zip(x, y, strict=True))


# What the example and two sets of mates bring to a layer whose γ is 1 and whose β is a half, and
# what the layer has kept from earlier batches.
EXAMPLE = 6.5
MATES = (
    ("among these", (1.5, 2.1, 3.0, 3.4, 4.2, 4.6, 5.3)),
    ("among others", (4.9, 5.2, 5.8, 6.2, 7.1, 7.9, 8.6)),
)
SHIFT = 0.5
RUNNING = (4.5, 4.0)  # mean, variance
EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class Passage:
    """One batch through the layer in both of its modes; the example is the first of each list."""

    title: str
    inputs: list[float]
    trained: list[float]
    tested: list[float]
    mean: float
    deviation: float


@cache
def draw_passages() -> list[Passage]:
    """What widget train-or-test shows, for readers without scripts."""
    return [_passage(title, [EXAMPLE, *mates]) for title, mates in MATES]


def _passage(title: str, inputs: list[float]) -> Passage:
    mean, deviation = fmean(inputs), pstdev(inputs)
    return Passage(
        title=title,
        inputs=inputs,
        trained=_through(inputs, mean, deviation**2),
        tested=_through(inputs, *RUNNING),
        mean=mean,
        deviation=deviation,
    )


def _through(values: Sequence[float], mean: float, variance: float) -> list[float]:
    return [(value - mean) / math.sqrt(variance + EPSILON) + SHIFT for value in values]
