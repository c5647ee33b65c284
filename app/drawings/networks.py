"""Networks, as plain geometry that a template turns into SVG."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.experiments.architectures import (
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
