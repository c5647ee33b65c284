"""Our measures against their definitions, each written out a second time with other means.

All in double precision on small random networks; a row keeps the largest relative difference.
"""

from collections.abc import Callable, Iterator
from math import inf, sqrt

import torch
from torch import Tensor, nn
from torch.func import (
    jacrev,
)

from app.experiments.architectures import (
    BatchNorm,
    GroupNorm,
)
from app.training.networks import build
from app.training.norms import LpNorm, Noise, average_norm
from bench.checks import Check, Comparison, largest_deviation, random_numbers
from bench.step_definitions import CHECKS as STEP_CHECKS


def _batch(seed: int) -> Tensor:
    """Three channels far from 0, of different widths."""
    widths = torch.tensor([0.5, 2.0, 1.0]).reshape(1, 3, 1, 1)
    return random_numbers(seed, "batch", 20, 3, 5, 5) * widths + 3


def _layer(kind: BatchNorm | GroupNorm, channels: int) -> nn.Module:
    """As our networks have it, its γ and β away from where they start."""
    (layer,) = build((kind,), seed=0, input_shape=(channels, 5, 5)).double()
    for parameter, start in zip(layer.parameters(), (0.5, -0.4), strict=True):
        nn.init.constant_(parameter, start)
    return layer


def _scaled(x: Tensor) -> Tensor:
    return 0.5 * x - 0.4


def batchnorm_in_training(seed: int) -> Iterator[Comparison]:
    """(x − μ_B)/√(σ²_B + ε)·γ + β, the variance over m."""
    x, norm = _batch(seed), _layer(BatchNorm(1.0), 3)
    mean = x.sum((0, 2, 3), keepdim=True) / 500
    variance = (x - mean).square().sum((0, 2, 3), keepdim=True) / 500
    yield from largest_deviation(_scaled((x - mean) / (variance + 1e-5).sqrt()), norm(x))


def batchnorm_with_detached_statistics(seed: int) -> Iterator[Comparison]:
    """Forward BatchNorm, to the last bit; backward γ/σ·g, of which BatchNorm takes two terms."""
    x, g = _batch(seed).requires_grad_(), random_numbers(seed, "gradient", 20, 3, 5, 5)
    ours, detached = _layer(BatchNorm(1.0), 3), _layer(BatchNorm(1.0, "detached"), 3)
    yield from largest_deviation(ours(x).detach(), detached(x).detach())
    true, found = (torch.autograd.grad(norm(x), x, g)[0] for norm in (ours, detached))

    def mean(values: Tensor) -> Tensor:
        return values.sum((0, 2, 3), keepdim=True) / 500

    centred = x.detach() - mean(x.detach())
    deviation = (mean(centred.square()) + 1e-5).sqrt()
    normalised = centred / deviation
    yield from largest_deviation(0.5 / deviation * g, found)
    terms = 0.5 / deviation * (mean(g) + normalised * mean(g * normalised))
    yield from largest_deviation(terms, found - true)


def batchnorm_in_testing(seed: int) -> Iterator[Comparison]:
    """After ten batches, with averages that took in a tenth of each, the variance over m − 1."""
    norm = _layer(BatchNorm(1.0), 3)
    mean, variance = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    for number in range(10):
        x = _batch(1000 * seed + number)
        norm(x)
        batch_mean = x.sum((0, 2, 3)) / 500
        deviations = (x - batch_mean.reshape(1, 3, 1, 1)).square().sum((0, 2, 3))
        mean = 0.9 * mean + 0.1 * batch_mean
        variance = 0.9 * variance + 0.1 * deviations / 499
    wide = (1, 3, 1, 1)
    expected = (x - mean.reshape(wide)) / (variance.reshape(wide) + 1e-5).sqrt()
    yield from largest_deviation(_scaled(expected), norm.eval()(x))


def l2_norm_of_a_centred_batch(seed: int) -> Iterator[Comparison]:
    """Where the mean is 0, the ℓ2 norm is the deviation; only the places of ε differ."""
    x = _batch(seed)
    centred = x - x.mean((0, 2, 3), keepdim=True)
    yield from largest_deviation(
        nn.BatchNorm2d(3).double()(centred), LpNorm(3, 2.0).double()(centred)
    )


def group_norm(seed: int) -> Iterator[Comparison]:
    """Two channels a group, each example for itself."""
    x = random_numbers(seed, "groups", 20, 8, 5, 5) * 2 + 3
    grouped = x.reshape(20, 4, 50)
    mean = grouped.mean(2, keepdim=True)
    variance = (grouped - mean).square().mean(2, keepdim=True)
    expected = ((grouped - mean) / (variance + 1e-5).sqrt()).reshape(x.shape)
    yield from largest_deviation(_scaled(expected), _layer(GroupNorm(4, 1.0), 8)(x))


def theorem(root: bool) -> Callable[[int], Iterator[Comparison]]:
    """γ²/σ²·(‖∇L‖² − ⟨1, ∇L⟩²/m − c·⟨∇L, ŷ⟩²) at ε = 0, the gradients of an arbitrary loss."""

    def pairs(seed: int) -> Iterator[Comparison]:
        for m in (4, 20, 100):
            y = (3 * random_numbers(seed, "y", m) + 1).requires_grad_()
            variance, mean = torch.var_mean(y, correction=0)
            normalised = (y - mean) / variance.sqrt()
            z = 1.7 * normalised
            loss = (torch.sin(z) * torch.arange(m)).sum() + z.pow(3).sum()
            below, above = torch.autograd.grad(loss, (y, z))
            last = (above @ normalised.detach()).square() / (sqrt(m) if root else m)
            terms = above.square().sum() - above.sum().square() / m - last
            yield (1.7**2 / variance * terms).item(), below.square().sum().item()

    return pairs


def jacobian(power: float | None) -> Callable[[int], Iterator[Comparison]]:
    """The divisor times the largest singular value of ∂ŷ/∂y, for 400 numbers from N(0, 1).

    BatchNorm where `power` is None, else the ℓp norm. Where it is 1, no gradient comes back longer
    than γ over the divisor makes it, which is what Theorem 4.1 rests on.
    """

    def pairs(seed: int) -> Iterator[Comparison]:
        y = random_numbers(seed, "y", 400)

        def divisor(y: Tensor) -> Tensor:
            if power is None:
                return y.var(correction=0).sqrt()
            return average_norm(y.reshape(-1, 1, 1, 1), power)[0]

        slope = jacrev(lambda y: (y - y.mean()) / divisor(y))(y)
        yield 1.0, (torch.linalg.matrix_norm(slope, 2) * divisor(y)).item()

    return pairs


def _noise(seed: int, value: float) -> Tensor:
    """What 200 channels of 100 elements of that value become."""
    noisy: Tensor = Noise(seed, layer=4)(torch.full((100, 200, 1, 1), value))
    return noisy[:, :, 0, 0].double()


def moments_of_the_shift(seed: int) -> Iterator[Comparison]:
    """Deviations of m ~ U(μ ± 0.1) within a channel, and of μ ~ U(−½, ½) between them."""
    shift = _noise(seed, 0.0)
    means = shift.mean(0)
    yield 0.2 / sqrt(12), (shift - means).square().mean().sqrt().item()
    yield 1 / sqrt(12), means.square().mean().sqrt().item()


def moments_of_the_scale(seed: int) -> Iterator[Comparison]:
    """Mean of σ ~ U(1, 1¼) over the channels, and the deviation of s ~ N(σ, 0.1²) within one."""
    scale = _noise(seed, 1.0) - _noise(seed, 0.0)
    yield 1.125, scale.mean().item()
    yield 0.1, (scale - scale.mean(0)).square().mean().sqrt().item()


CHECKS = (
    Check("BatchNorm layer, training", "the formula by hand", batchnorm_in_training, 1e-12),
    Check(
        "BatchNorm layer, detached statistics: forward, gradient, what is left out of it",
        "`torch.nn.BatchNorm2d`; γ/σ·g and the two terms of its backward pass by hand",
        batchnorm_with_detached_statistics,
        1e-12,
    ),
    Check(
        "BatchNorm layer, testing",
        "the formula by hand, with running averages by hand",
        batchnorm_in_testing,
        1e-12,
    ),
    Check(
        "ℓ2 norm of a centred batch",
        "`torch.nn.BatchNorm2d`, up to ε",
        l2_norm_of_a_centred_batch,
        1e-4,
    ),
    Check("GroupNorm layer", "the formula by hand", group_norm, 1e-12),
    *STEP_CHECKS,
    Check("Theorem 4.1 with 1/m", "the gradient itself", theorem(root=False), 1e-9),
    Check(
        "Theorem 4.1 with 1/√m, as printed",
        "the gradient itself: must differ",
        theorem(root=True),
        1e-9,
        apart=True,
    ),
    Check("BatchNorm’s Jacobian: divisor × largest singular value", "1", jacobian(None), 1e-9),
    Check("the same for ℓ2", "1", jacobian(2.0), 1e-9),
    *(
        Check(
            f"the same for {name}: the proof does not carry over",
            "1: must differ",
            jacobian(power),
            0.1,
            apart=True,
        )
        for name, power in (("ℓ1", 1.0), ("ℓ∞", inf))
    ),
    Check("noise, shift: deviations", "those of Algorithm 1", moments_of_the_shift, 0.15),
    Check("noise, scale: mean, deviation", "those of Algorithm 1", moments_of_the_scale, 0.02),
)
