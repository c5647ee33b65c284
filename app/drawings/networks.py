"""Computes the layout of network diagrams, which a template turns into SVG."""

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

# Sizes in units of one pixel of a feature map.
NETWORK_WIDTH = 320
CENTER_X = NETWORK_WIDTH / 2
LAYER_HEIGHT = 27
ROW_GAP = 7
SCALAR_SIZE = 6


@dataclass(frozen=True, slots=True)
class FeatureMap:
    """The feature map of one channel, to scale; `is_scalar` if it is a single number."""

    x: float
    y: float
    size: float
    is_scalar: bool = False


@dataclass(frozen=True, slots=True)
class LayerLabel:
    """A layer's name, placed between two rows of feature maps."""

    y: float
    text: str
    highlighted: bool


@dataclass(slots=True)
class NetworkDrawing:
    """The diagram of one network, from the input at the top."""

    maps: list[FeatureMap] = field(default_factory=list)
    wire_gaps: list[tuple[float, float]] = field(
        default_factory=list
    )  # y and length where the wire is hidden
    layers: list[LayerLabel] = field(default_factory=list)
    shape_labels: list[tuple[float, str]] = field(default_factory=list)
    height: float = 0.0

    def add_maps(self, shape: Shape) -> None:
        """Adds a row of feature maps, one for each channel, and a label with their shape."""
        is_vector = len(shape) == 1
        size = SCALAR_SIZE if is_vector else shape[1]
        spacing = 4 if is_vector or shape[0] < 12 else 2
        left = CENTER_X - (shape[0] * (size + spacing) - spacing) / 2
        self.wire_gaps.append((self.height, size))
        self.maps += [
            FeatureMap(left + index * (size + spacing), self.height, size, is_vector)
            for index in range(shape[0])
        ]
        label = f"{shape[0]} logits" if is_vector else f"{shape[1]}×{shape[2]}×{shape[0]}"
        self.shape_labels.append((self.height + size + 11, label))
        self.height += size + 11 + ROW_GAP

    def add_layer(self, layer: Layer, *, visible: bool) -> None:
        """Adds a row for a layer; a row that is not visible leaves its place empty."""
        if visible:
            lit = isinstance(layer, BatchNorm)
            self.layers.append(LayerLabel(self.height, _layer_name(layer), lit))
        self.height += LAYER_HEIGHT + ROW_GAP


def draw_network(architecture: Architecture, aligned_with: Architecture) -> NetworkDrawing:
    """Draws a network, with empty rows for the layers that only `aligned_with` has."""
    drawing = NetworkDrawing()
    drawing.add_maps(MNIST_SHAPE)
    for layer, own, before, after in _align_layers(architecture, aligned_with):
        drawing.add_layer(layer, visible=own)
        if before != after:
            drawing.add_maps(after)
    return drawing


def _align_layers(
    architecture: Architecture, other: Architecture
) -> Iterator[tuple[Layer, bool, Shape, Shape]]:
    """Yields the longer network's layers: (layer, whether `architecture` has it, input, output)."""
    longer = max(architecture, other, key=len)
    own = iter(architecture)
    expected = next(own, None)
    for layer, before, after in with_shapes(longer):
        is_own = layer == expected
        if is_own:
            expected = next(own, None)
        yield layer, is_own, before, after


def _layer_name(layer: Layer) -> str:
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
