"""How a gradient becomes a step: plain gradient descent, with momentum, and Adam."""

from collections.abc import Callable
from functools import partial
from math import sqrt
from typing import TypeAlias

import torch
from torch import Tensor

from app.training.steps import Step, flat, update

# Changes the step's parameters in place.
Optimizer: TypeAlias = Callable[[Step], None]

MOMENTUM = 0.9
# Kingma, Ba 2015, Algorithm 1, with the values that they recommend.
FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.999, 1e-8


class Momentum:
    """v ← 0.9·v + ∇L; θ ← θ − η·v, as torch.optim.SGD does it."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._velocity: dict[str, Tensor] = {}

    @torch.no_grad()
    def __call__(self, step: Step) -> None:
        """Moves the parameters of `step` in place."""
        share = _share(step, self._longest)
        for name, parameter in step.parameters.items():
            velocity = self._velocity.setdefault(name, torch.zeros_like(parameter))
            velocity.mul_(MOMENTUM).add_(step.gradients[name], alpha=share)
            parameter.sub_(velocity, alpha=step.learning_rate)


class Adam:
    """θ ← θ − η·m̂/(√v̂ + ε), means of ∇L and of its square over the steps (Kingma, Ba 2015)."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._steps = 0
        self._first: dict[str, Tensor] = {}
        self._second: dict[str, Tensor] = {}

    @torch.no_grad()
    def __call__(self, step: Step) -> None:
        """Moves the parameters of `step` in place."""
        self._steps += 1
        share = _share(step, self._longest)
        first_weight = 1 - FIRST_DECAY**self._steps
        second_weight = 1 - SECOND_DECAY**self._steps
        for name, parameter in step.parameters.items():
            gradient = share * step.gradients[name]
            first = self._first.setdefault(name, torch.zeros_like(parameter))
            second = self._second.setdefault(name, torch.zeros_like(parameter))
            first.lerp_(gradient, 1 - FIRST_DECAY)
            second.lerp_(gradient.square(), 1 - SECOND_DECAY)
            divisor = second.sqrt() / sqrt(second_weight) + EPSILON
            parameter.sub_(first / divisor, alpha=step.learning_rate / first_weight)


def _share(step: Step, longest: float) -> float:
    """By how much a gradient that is too long is shortened."""
    return min(1, longest / flat(step.gradients).norm().item()) if longest else 1


# By name, for gradients that are no longer than that; 0 leaves them as they are.
OPTIMIZERS: dict[str, Callable[[float], Optimizer]] = {
    "sgd": lambda longest: partial(update, longest=longest),
    "momentum": Momentum,
    "adam": Adam,
}
