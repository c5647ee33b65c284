"""Normalisations that torch does not have, and the noise that is put behind one."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.training.randomness import stream

# As in torch.nn.BatchNorm2d, so that only the divisor differs.
EPSILON = 1e-5
MOMENTUM = 0.1


class LpNorm(nn.Module):
    """(N, C, H, W) → the same: (x − mean) / ‖x‖ · γ + β, channel by channel.

    ‖x‖ is the batch's average ℓp norm, (mean |x|ᵖ)^(1/p) or max |x|, before the mean is taken
    off (Santurkar et al. 2018, §3.3). In evaluation mode, running averages of both take their
    places.
    """

    running_mean: Tensor
    running_norm: Tensor

    def __init__(self, channels: int, power: float) -> None:
        super().__init__()
        self.power = power
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_norm", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalises a batch; in training mode its statistics enter the running averages."""
        if self.training:
            mean, norm = x.mean((0, 2, 3)), average_norm(x, self.power)
            with torch.no_grad():
                self.running_mean.lerp_(mean, MOMENTUM)
                self.running_norm.lerp_(norm, MOMENTUM)
        else:
            mean, norm = self.running_mean, self.running_norm
        scale = self.weight / (norm + EPSILON)
        return (x - _wide(mean)) * _wide(scale) + _wide(self.bias)


def average_norm(x: Tensor, power: float) -> Tensor:
    """(N, C, H, W) → (C,): (mean |x|ᵖ)^(1/p) over batch and positions; max |x| for p = ∞."""
    match power:
        case 1.0:
            return x.abs().mean((0, 2, 3))
        case 2.0:
            # ε under the root: its slope at a channel that is zero everywhere stays finite.
            return (x.square().mean((0, 2, 3)) + EPSILON**2).sqrt()
        case math.inf:
            return x.abs().amax((0, 2, 3))
        case _:
            raise ValueError(f"no average norm for p = {power}")


class DetachedBatchNorm(nn.BatchNorm2d):
    """BatchNorm whose backward pass takes the batch's mean and deviation for constants.

    Forward it is BatchNorm to the last bit, running averages included. Backward, the gradient g
    behind the layer becomes γ/σ·g; BatchNorm's own is γ/σ·(g − mean(g) − x̂·mean(g·x̂)).
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalises a batch; in training mode its statistics enter the running averages."""
        if not self.training:
            return super().forward(x)
        with torch.no_grad():
            exact = super().forward(x)
            variance, mean = torch.var_mean(x, (0, 2, 3), correction=0)
        y = F.batch_norm(x, mean, variance, self.weight, self.bias, training=False, eps=self.eps)
        with torch.no_grad():
            y.copy_(exact)  # which differs by rounding; the gradient stays that of `y`
        return y


class HalfBatchNorm(nn.BatchNorm2d):
    """(N, C, H, W) → the same: γ·(x − μ) + β, or γ·x/√(σ² + ε) + β, as `half` names the statistic.

    Statistics, running averages and gradients as in BatchNorm.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, half: Literal["mean", "deviation"]) -> None:
        super().__init__(channels)
        self.kept = half

    def forward(self, x: Tensor) -> Tensor:
        """Normalises a batch; in training mode its statistics enter the running averages."""
        mean, variance = self.running_mean, self.running_var
        if self.training:
            variance, mean = torch.var_mean(x, (0, 2, 3), correction=0)
            with torch.no_grad():
                count = x.numel() / x.shape[1]
                self.running_mean.lerp_(mean, MOMENTUM)
                self.running_var.lerp_(variance * count / (count - 1), MOMENTUM)
        half = x - _wide(mean) if self.kept == "mean" else x / _wide((variance + EPSILON).sqrt())
        return half * _wide(self.weight) + _wide(self.bias)


class FrozenBatchNorm(nn.Module):
    """(N, C, H, W) → the same: BatchNorm with the statistics of the first mini-batch for ever.

    In training and in testing alike; constants, then, for the gradient. Before it has seen a
    mini-batch in training mode, mean and variance are 0 and 1.
    """

    mean: Tensor
    variance: Tensor
    empty: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))
        self.register_buffer("empty", torch.tensor(True))

    def forward(self, x: Tensor) -> Tensor:
        """Normalises a batch; the first one in training mode leaves its statistics."""
        if self.training and self.empty:
            with torch.no_grad():
                variance, mean = torch.var_mean(x, (0, 2, 3), correction=0)
                self.mean.copy_(mean)
                self.variance.copy_(variance)
                self.empty.fill_(False)
        return F.batch_norm(
            x, self.mean, self.variance, self.weight, self.bias, training=False, eps=EPSILON
        )


@dataclass(frozen=True, slots=True)
class _Source:
    """All that decides the noise of a layer, but for the step."""

    seed: int
    layer: int
    strength: float
    memory: int


class Noise(nn.Module):
    """(N, C, H, W) → s · x + m, with noise whose own distribution changes at every step.

    Santurkar et al. 2018, Algorithm 1: for each channel μ ~ U(−½, ½) and σ ~ U(1, 1¼), new at
    each `step`; for each element m ~ U(μ − 0.1, μ + 0.1) and s ~ N(σ, 0.1²). A function of seed,
    layer and step alone: all passes of a step, a probe's included, meet the same noise. Of it,
    the share `strength` is applied: m and s go from 0 and 1, at 0, to those of the paper, at 1.

    With `memory`, μ and σ are remembered: u_t = ρ·u_{t−1} + √(1 − ρ²)·(what the paper would draw),
    both less their means, ρ = 1 − 1/memory. So their means and variances are the paper's.
    """

    def __init__(self, seed: int, layer: int, strength: float = 1.0, memory: int = 1) -> None:
        super().__init__()
        self.source = _Source(seed, layer, strength, memory)
        self.step = 0

    def forward(self, x: Tensor) -> Tensor:
        """Shifts and scales; in training and in evaluation alike."""
        shift, scale = _drawn(self.source, self.step, x.shape)
        return x * scale.to(x.device) + shift.to(x.device)


# All passes of a step ask for the same; there is more of it in a pass than of arithmetic. Enough
# for two layers, at a mini-batch and at a chunk of test images.
@lru_cache(maxsize=4)
@torch.inference_mode(mode=False)  # an evaluation may ask first, a gradient afterwards
def _drawn(source: _Source, step: int, shape: torch.Size) -> tuple[Tensor, Tensor]:
    generator = stream(source.seed, "noise", source.layer, step)
    mean, deviation = _new_moments(generator, shape[1])
    if source.memory > 1:
        mean, deviation = _remembered_moments(source, step, shape[1])
    shift = mean + 0.2 * torch.rand(shape, generator=generator) - 0.1
    scale = deviation + 0.1 * torch.randn(shape, generator=generator)
    return shift * source.strength, torch.lerp(torch.ones(()), scale, source.strength)


def _new_moments(generator: torch.Generator, channels: int) -> tuple[Tensor, Tensor]:
    """μ and σ of each channel, (1, C, 1, 1)."""
    channel = (1, channels, 1, 1)
    mean = torch.rand(channel, generator=generator) - 0.5
    return mean, 1 + 0.25 * torch.rand(channel, generator=generator)


def _remembered_moments(source: _Source, step: int, channels: int) -> tuple[Tensor, Tensor]:
    """The same at the end of a walk from step 0, as `Noise` describes it."""
    kept = 1 - 1 / source.memory
    centres = torch.tensor([0.0, 1.125]).reshape(2, 1, 1, 1, 1)
    walk = torch.zeros(())
    for earlier in range(step + 1):
        generator = stream(source.seed, "noise", source.layer, earlier)
        new = torch.stack(_new_moments(generator, channels)) - centres
        walk = kept * walk + math.sqrt(1 - kept**2) * new if earlier else new
    mean, deviation = walk + centres
    return mean, deviation


def at_step(network: nn.Sequential, step: int) -> None:
    """Has the noise of all its layers move on to that step."""
    for module in network:
        if isinstance(module, Noise):
            module.step = step


def _wide(values: Tensor) -> Tensor:
    return values.reshape(1, -1, 1, 1)
