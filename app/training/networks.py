"""Networks, built from their description (`app/architectures.py`)."""

from math import prod
from typing import TypeAlias

import torch
from torch import nn

from app.architectures import (
    Architecture,
    BatchNorm,
    Convolution,
    Linear,
    LpNorm,
    MaxPool,
    Noise,
    ReLU,
    Shape,
    with_shapes,
)
from app.training import norms
from app.training.randomness import stream

WithoutNoise: TypeAlias = Convolution | ReLU | MaxPool | BatchNorm | LpNorm | Linear


def build(architecture: Architecture, seed: int) -> nn.Sequential:
    """A network (N, 1, 28, 28) → (N, 10) logits, in training mode, one module a layer.

    Only convolutions and linear layers draw from the seed's stream of weights, in their order.
    So two architectures that differ in normalisation alone start from the same weights.
    """
    generator = stream(seed, "weights")
    modules: list[nn.Module] = []
    for layer, before, _ in with_shapes(architecture):
        if isinstance(layer, Linear) and len(before) > 1:
            modules.append(nn.Flatten())
        if isinstance(layer, Noise):
            modules.append(norms.Noise(seed, layer=len(modules)))
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
        case BatchNorm(gamma0):
            return _scaled(nn.BatchNorm2d(before[0]), gamma0)
        case LpNorm(power, gamma0):
            return _scaled(norms.LpNorm(before[0], power), gamma0)
        case ReLU():
            return nn.ReLU(inplace=True)
        case MaxPool(size):
            return nn.MaxPool2d(size)


def _scaled(norm: nn.BatchNorm2d | norms.LpNorm, gamma0: float) -> nn.Module:
    nn.init.constant_(norm.weight, gamma0)
    return norm


def _drawn(module: nn.Conv2d | nn.Linear, std: float, generator: torch.Generator) -> nn.Module:
    nn.init.normal_(module.weight, 0.0, std, generator=generator)
    nn.init.zeros_(module.bias)  # type: ignore[arg-type]  # both kinds are made with one
    return module
