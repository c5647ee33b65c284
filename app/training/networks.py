"""Networks, built from their description (`app/experiments/architectures.py`)."""

from collections.abc import Callable
from math import prod
from typing import TypeAlias

import torch
from torch import nn

from app.experiments.architectures import (
    MNIST_SHAPE,
    Architecture,
    BatchNorm,
    Convolution,
    GroupNorm,
    Linear,
    LpNorm,
    MaxPool,
    Noise,
    ReLU,
    Shape,
    Sigmoid,
    Variant,
    with_shapes,
)
from app.training import norms
from app.training.randomness import stream

WithoutNoise: TypeAlias = (
    Convolution | ReLU | Sigmoid | MaxPool | BatchNorm | LpNorm | GroupNorm | Linear
)

Norm: TypeAlias = (
    nn.BatchNorm1d | nn.BatchNorm2d | nn.GroupNorm | norms.LpNorm | norms.FrozenBatchNorm
)


def build(architecture: Architecture, seed: int, input_shape: Shape = MNIST_SHAPE) -> nn.Sequential:
    """A network from (N, *input_shape), in training mode, one module a layer.

    Only convolutions and linear layers draw from the seed's stream of weights, in their order.
    So two architectures that differ in normalisation alone start from the same weights.
    """
    generator = stream(seed, "weights")
    modules: list[nn.Module] = []
    for layer, before, _ in with_shapes(architecture, input_shape):
        if isinstance(layer, Linear) and len(before) > 1:
            modules.append(nn.Flatten())
        if isinstance(layer, Noise):
            modules.append(norms.Noise(seed, len(modules), layer.strength, layer.memory))
        else:
            modules.append(_module(layer, before, generator))
    return nn.Sequential(*modules)


def _module(layer: WithoutNoise, before: Shape, generator: torch.Generator) -> nn.Module:
    match layer:
        case Convolution(channels, kernel, weight_std):
            return _drawn(
                nn.Conv2d(before[0], channels, kernel, padding="same"), weight_std, generator
            )
        case Linear(outputs, weight_std):
            return _drawn(nn.Linear(prod(before), outputs), weight_std, generator)
        case BatchNorm(gamma0, variant):
            return _scaled(_batch_norm(variant, before), gamma0)
        case LpNorm(power, gamma0):
            return _scaled(norms.LpNorm(before[0], power), gamma0)
        case GroupNorm(groups, gamma0):
            return _scaled(nn.GroupNorm(groups, before[0]), gamma0)
        case ReLU():
            return nn.ReLU(inplace=True)
        case Sigmoid():
            return nn.Sigmoid()
        case MaxPool(size):
            return nn.MaxPool2d(size)


def _batch_norm(variant: Variant, before: Shape) -> Norm:
    channels = before[0]
    match variant:
        case "whole":
            return nn.BatchNorm2d(channels) if len(before) > 1 else nn.BatchNorm1d(channels)
        case "detached":
            return norms.DetachedBatchNorm(channels)
        case "mean" | "deviation":
            return norms.HalfBatchNorm(channels, variant)
        case "frozen":
            return norms.FrozenBatchNorm(channels)


def _scaled(norm: Norm, gamma0: float) -> nn.Module:
    nn.init.constant_(norm.weight, gamma0)
    return norm


def _drawn(module: nn.Conv2d | nn.Linear, std: float, generator: torch.Generator) -> nn.Module:
    nn.init.normal_(module.weight, 0.0, std, generator=generator)
    nn.init.zeros_(module.bias)  # type: ignore[arg-type]  # both kinds are made with one
    return module


def freeze(network: nn.Sequential, trained: str) -> None:
    """Keeps all parameters from learning but those of the modules that `trained` names."""
    learns = TRAINED[trained]
    for index, module in enumerate(network):
        module.requires_grad_(learns(module, index == len(network) - 1))


# (module, whether it is the last) → whether it learns.
TRAINED: dict[str, Callable[[nn.Module, bool], bool]] = {
    "all": lambda module, last: True,
    "norms": lambda module, last: isinstance(module, Norm),
    "output": lambda module, last: last,
}
