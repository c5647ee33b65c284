"""Networks as data: what `training/networks.py` builds and what the page draws.

One description serves both, so that drawing and code can't disagree.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod, sqrt
from typing import Literal, TypeAlias, get_args

Norm: TypeAlias = Literal[
    "none", "batch", "detached", "mean", "deviation", "frozen", "l1", "l2", "lmax", "group"
]
# Whole; its statistics constants for the gradient; one of its two halves; statistics of the first
# mini-batch for ever.
Variant: TypeAlias = Literal["whole", "detached", "mean", "deviation", "frozen"]
Placement: TypeAlias = Literal["before_relu", "after_pooling"]
Shape: TypeAlias = tuple[int, ...]

NORMS: tuple[Norm, ...] = get_args(Norm)
PLACEMENTS: tuple[Placement, ...] = get_args(Placement)
MNIST_SHAPE: Shape = (1, 28, 28)
CLASSES = 10
# Two channels a group where there are 8, four where there are 16.
GROUPS = 4


@dataclass(frozen=True, slots=True)
class Convolution:
    """Square kernel, "same" padding; weights start as N(0, weight_std²), biases at 0."""

    channels: int
    kernel: int
    weight_std: float


@dataclass(frozen=True, slots=True)
class ReLU:
    """max(0, x)."""


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """1 / (1 + e⁻ˣ)."""


@dataclass(frozen=True, slots=True)
class MaxPool:
    """The largest value of each `size` × `size` square; halves the picture for size 2."""

    size: int


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """Batch normalisation of each channel, γ starting at `gamma0` and β at 0.

    A `variant` leaves something out: "detached", that the batch's statistics depend on the weights,
    for the gradient; "mean" and "deviation", all but that one; "frozen", all mini-batches but the
    first, whose statistics stay.
    """

    gamma0: float
    variant: Variant = "whole"


@dataclass(frozen=True, slots=True)
class LpNorm:
    """As BatchNorm, but divided by the batch's average ℓp norm, `power` being the p."""

    power: float
    gamma0: float


@dataclass(frozen=True, slots=True)
class GroupNorm:
    """Each example by the mean and variance of its own groups of channels (Wu, He 2018)."""

    groups: int
    gamma0: float


@dataclass(frozen=True, slots=True)
class Noise:
    """Random shift and scale, new at every step (Santurkar et al. 2018, Algorithm 1).

    `strength` is the share of theirs that is applied: 0 leaves everything as it is. A channel's
    shift and scale last about `memory` steps; at 1, theirs, they are new at every step.
    """

    strength: float = 1.0
    memory: int = 1


@dataclass(frozen=True, slots=True)
class Linear:
    """All values to `outputs` ones; weights start as N(0, weight_std²), biases at 0."""

    outputs: int
    weight_std: float


Layer: TypeAlias = (
    Convolution | ReLU | Sigmoid | MaxPool | BatchNorm | LpNorm | GroupNorm | Noise | Linear
)
Normalisation: TypeAlias = BatchNorm | LpNorm | GroupNorm
Architecture: TypeAlias = tuple[Layer, ...]


def shallow(
    norm: Norm, placement: Placement, gamma0: float, *, noise: float = 0, memory: int = 1
) -> Architecture:
    """The article's network: two convolutions and a linear layer. Noise follows the norm."""
    between = (*_normalisation(norm, gamma0), *((Noise(noise, memory),) if noise else ()))
    before, after = (between, ()) if placement == "before_relu" else ((), between)

    def block(channels: int) -> Architecture:
        convolution = Convolution(channels, kernel=5, weight_std=0.1)
        return (convolution, *before, ReLU(), MaxPool(2), *after)

    return (*block(8), *block(16), Linear(CLASSES, weight_std=1 / 28))


def deep(norm: Norm, depth: int, *, scale: float = 1, channels: int = 8) -> Architecture:
    """`depth` convolutions of so many channels, the norm before each ReLU as in a textbook.

    Weights after He et al. 2015, "Delving Deep into Rectifiers", §2.2, those of the convolutions
    times `scale`; γ starts at 1.
    """
    kernel = 3

    def block(index: int) -> Architecture:
        inputs = kernel**2 * (channels if index else MNIST_SHAPE[0])
        convolution = Convolution(channels, kernel, weight_std=scale * sqrt(2 / inputs))
        pooling = (MaxPool(2),) if index < 2 else ()
        return (convolution, *_normalisation(norm, 1.0), ReLU(), *pooling)

    blocks = tuple(layer for index in range(depth) for layer in block(index))
    side = MNIST_SHAPE[1] // 2 ** min(depth, 2)
    return (*blocks, Linear(CLASSES, weight_std=sqrt(2 / (channels * side**2))))


def deep_or_shallow(network: Literal["deep", "shallow"], norm: Norm, depth: int) -> Architecture:
    """The deep network of so many convolutions, or that of the article's first figure."""
    if network == "deep":
        return deep(norm, depth)
    return shallow(norm, "after_pooling", gamma0=0.1)


def dense(
    norm: Norm, widths: Sequence[int], activation: ReLU | Sigmoid, gain: float
) -> Architecture:
    """Fully connected layers of these widths, the norm before each activation, then 10 logits.

    The weights of a layer with m inputs start as N(0, gain² / m).
    """
    inputs, layers = prod(MNIST_SHAPE), list[Layer]()
    for width in widths:
        layers += [Linear(width, gain / sqrt(inputs)), *_normalisation(norm, 1.0), activation]
        inputs = width
    return (*layers, Linear(CLASSES, gain / sqrt(inputs)))


def linear_chain(norm: Norm, depth: int, width: int, *, scale: float = 1) -> Architecture:
    """`depth` linear layers and nothing between them but the norm; the last has none.

    The deep linear network of Santurkar et al. 2018, §3.2. Weights as in Glorot, Bengio 2010, times
    `scale`.
    """
    layer = Linear(width, weight_std=scale * sqrt(1 / width))
    blocks = (part for _ in range(depth - 1) for part in (layer, *_normalisation(norm, 1.0)))
    return (*blocks, layer)


def _normalisation(norm: Norm, gamma0: float) -> Architecture:
    match norm:
        case "none":
            return ()
        case "batch":
            return (BatchNorm(gamma0),)
        case "detached" | "mean" | "deviation" | "frozen":
            return (BatchNorm(gamma0, norm),)
        case "l1":
            return (LpNorm(1.0, gamma0),)
        case "l2":
            return (LpNorm(2.0, gamma0),)
        case "lmax":
            return (LpNorm(float("inf"), gamma0),)
        case "group":
            return (GroupNorm(GROUPS, gamma0),)


def with_shapes(
    architecture: Architecture, input_shape: Shape = MNIST_SHAPE
) -> Iterator[tuple[Layer, Shape, Shape]]:
    """Each layer with the shape that enters and the shape that leaves it, without the batch."""
    shape = input_shape
    for layer in architecture:
        before, shape = shape, _output_shape(layer, shape)
        yield layer, before, shape


def parameter_count(
    architecture: Architecture, input_shape: Shape = MNIST_SHAPE, trained: str = "all"
) -> int:
    """Parameters: weights, biases, γ and β; or those alone that learn (`TrainingSpec.trained`)."""
    counts = [
        (layer, _parameters(layer, before))
        for layer, before, _ in with_shapes(architecture, input_shape)
    ]
    match trained:
        case "norms":
            kept = [count for layer, count in counts if isinstance(layer, Normalisation)]
        case "output":
            kept = [counts[-1][1]]
        case _:
            kept = [count for _, count in counts]
    return sum(kept)


def _parameters(layer: Layer, before: Shape) -> int:
    match layer:
        case Convolution(channels, kernel):
            return channels * (before[0] * kernel**2 + 1)
        case BatchNorm() | LpNorm() | GroupNorm():
            return 2 * before[0]
        case Linear(outputs):
            return outputs * (prod(before) + 1)
        case _:
            return 0


def _output_shape(layer: Layer, shape: Shape) -> Shape:
    match layer:
        case Convolution(channels):
            return (channels, *shape[1:])
        case MaxPool(size):
            return (shape[0], shape[1] // size, shape[2] // size)
        case Linear(outputs):
            return (outputs,)
        case _:
            return shape
