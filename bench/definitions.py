"""Our measures against their definitions, each written out a second time with other means.

All in double precision on small random networks; a row keeps the largest relative difference.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from math import inf, sqrt
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import (
    functional_call,
    grad,
    hessian,
    jacrev,
    jvp,
    replace_all_batch_norm_modules_,
)

from app.experiments.architectures import (
    Architecture,
    BatchNorm,
    Convolution,
    GroupNorm,
    Linear,
    Sigmoid,
)
from app.training import landscape
from app.training.correction import gradient_correction
from app.training.hessian import TOLERANCE, sharpness
from app.training.measures import ics
from app.training.networks import build
from app.training.norms import LpNorm, Noise, average_norm
from app.training.randomness import stream
from app.training.steps import Parameters, Step, flat, look
from bench.checks import Check, Comparison

PICTURE, VECTOR = (1, 8, 8), (6,)
CONVOLUTIONS: Architecture = (
    *(Convolution(2, 3, 0.5), BatchNorm(1.0), Sigmoid()),
    *(Convolution(2, 3, 0.5), BatchNorm(1.0), Sigmoid()),
    Linear(10, 0.3),
)
SMALL: Architecture = (Linear(5, 0.8), BatchNorm(1.0), Sigmoid(), Linear(3, 0.8))


def _random(seed: int, name: str, *shape: int) -> Tensor:
    return torch.randn(shape, generator=stream(seed, name), dtype=torch.float64)


def _batch(seed: int) -> Tensor:
    """Three channels far from 0, of different widths."""
    widths = torch.tensor([0.5, 2.0, 1.0]).reshape(1, 3, 1, 1)
    return _random(seed, "batch", 20, 3, 5, 5) * widths + 3


def _values(theirs: Tensor, ours: Tensor) -> Iterator[Comparison]:
    """The largest deviation between two tensors, against the largest value."""
    worst = (theirs - ours).abs().max().item()
    size = theirs.abs().max().item()
    yield size, size - worst


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
    yield from _values(_scaled((x - mean) / (variance + 1e-5).sqrt()), norm(x))


def batchnorm_with_detached_statistics(seed: int) -> Iterator[Comparison]:
    """Forward BatchNorm, to the last bit; backward γ/σ·g, of which BatchNorm takes two terms."""
    x, g = _batch(seed).requires_grad_(), _random(seed, "gradient", 20, 3, 5, 5)
    ours, detached = _layer(BatchNorm(1.0), 3), _layer(BatchNorm(1.0, "detached"), 3)
    yield from _values(ours(x).detach(), detached(x).detach())
    true, found = (torch.autograd.grad(norm(x), x, g)[0] for norm in (ours, detached))

    def mean(values: Tensor) -> Tensor:
        return values.sum((0, 2, 3), keepdim=True) / 500

    centred = x.detach() - mean(x.detach())
    deviation = (mean(centred.square()) + 1e-5).sqrt()
    normalised = centred / deviation
    yield from _values(0.5 / deviation * g, found)
    terms = 0.5 / deviation * (mean(g) + normalised * mean(g * normalised))
    yield from _values(terms, found - true)


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
    yield from _values(_scaled(expected), norm.eval()(x))


def l2_norm_of_a_centred_batch(seed: int) -> Iterator[Comparison]:
    """Where the mean is 0, the ℓ2 norm is the deviation; only the places of ε differ."""
    x = _batch(seed)
    centred = x - x.mean((0, 2, 3), keepdim=True)
    yield from _values(nn.BatchNorm2d(3).double()(centred), LpNorm(3, 2.0).double()(centred))


def group_norm(seed: int) -> Iterator[Comparison]:
    """Two channels a group, each example for itself."""
    x = _random(seed, "groups", 20, 8, 5, 5) * 2 + 3
    grouped = x.reshape(20, 4, 50)
    mean = grouped.mean(2, keepdim=True)
    variance = (grouped - mean).square().mean(2, keepdim=True)
    expected = ((grouped - mean) / (variance + 1e-5).sqrt()).reshape(x.shape)
    yield from _values(_scaled(expected), _layer(GroupNorm(4, 1.0), 8)(x))


def _look(architecture: Architecture, shape: tuple[int, ...], seed: int, rate: float) -> Step:
    network = build(architecture, seed, shape).double()
    labels = torch.randint(3, (20,), generator=stream(seed, "labels"))
    return look(network, (_random(seed, "inputs", 20, *shape), labels), rate)


def _loss(step: Step, first: int = 0) -> Callable[[Parameters, Tensor], Tensor]:
    """(parameters, inputs) ↦ loss of the modules from `first` on, without running averages."""
    network = replace_all_batch_norm_modules_(deepcopy(step.network))
    assert isinstance(network, nn.Sequential)
    upper = network[first:]

    def loss(parameters: Parameters, inputs: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(upper, dict(parameters), (inputs,)), step.labels)

    return loss


def _here(step: Step) -> Parameters:
    return {name: value.detach() for name, value in step.parameters.items()}


def gradients(seed: int) -> Iterator[Comparison]:
    """Those of a step, all parameters as one vector."""
    step = _look(CONVOLUTIONS, PICTURE, seed, rate=0.1)
    expected = grad(_loss(step))(_here(step), step.images)
    yield from _values(flat(expected, step.parameters), flat(step.gradients))


def beta(seed: int) -> Iterator[Comparison]:
    """Over distances that are next to nothing."""
    step = _look(CONVOLUTIONS, PICTURE, seed, rate=1e-6)
    loss = _loss(step)
    g = dict(step.gradients)
    hg = jvp(lambda theta: grad(loss)(theta, step.images), (_here(step),), (g,))[1]
    exact = (flat(hg, g).norm() / flat(g).norm()).item()
    yield exact, landscape.along_gradient(step, None)["beta"]


def beta_of_activations(seed: int) -> Iterator[Comparison]:
    """Likewise, in the first block's activations."""
    step = _look(CONVOLUTIONS, PICTURE, seed, rate=0.1)
    second, x = 3, step.inputs[0]
    loss, parameters = _loss(step, second), _upper(step, second)
    slope = grad(lambda at: loss(parameters, at))
    g, hg = jvp(slope, (x,), (slope(x),))[:2]
    with patch.object(landscape, "ACTIVATION_DISTANCES", (1e-4,)):
        measured = landscape.along_activation_gradient(step, None)
    yield (hg.norm() / g.norm()).item(), measured["beta_activation"]


def _upper(step: Step, first: int) -> Parameters:
    """The parameters of the modules from `first` on."""
    return {
        name: value.detach()
        for name, value in step.parameters.items()
        if int(name.partition(".")[0]) >= first
    }


def internal_covariate_shift(seed: int) -> Iterator[Comparison]:
    """G and G′ of the second convolution, ‖G − G′‖ and the cosine."""
    step, layer = _look(CONVOLUTIONS, PICTURE, seed, rate=0.5), 3
    slope, here = grad(_loss(step)), dict(_here(step))
    before = slope(here, step.images)
    for name in ("0.weight", "0.bias", "1.weight", "1.bias"):
        here[name] = here[name] - 0.5 * before[name]
    after = slope(here, step.images)
    names = [f"{layer}.weight", f"{layer}.bias"]
    g, moved = flat(before, names), flat(after, names)
    measured = ics(step, layer)
    yield (g - moved).norm().item(), measured["ics_distance"]
    yield (g @ moved / g.norm() / moved.norm()).item(), measured["ics_cosine"]


def correction_of_the_gradient(seed: int) -> Iterator[Comparison]:
    """Cosine and length of the convolutions' gradient if mean and deviation are constants."""
    step = _look(CONVOLUTIONS, PICTURE, seed, rate=0.1)
    found = []
    for constant in (False, True):
        here = {name: value.requires_grad_() for name, value in _here(step).items()}
        x = step.images
        for block in (0, 3):
            x = F.conv2d(x, here[f"{block}.weight"], here[f"{block}.bias"], padding="same")
            mean = x.mean((0, 2, 3), keepdim=True)
            deviation = ((x - mean).square().mean((0, 2, 3), keepdim=True) + 1e-5).sqrt()
            if constant:
                mean, deviation = mean.detach(), deviation.detach()
            gamma, shift = (
                here[f"{block + 1}.{kind}"].reshape(1, -1, 1, 1) for kind in ("weight", "bias")
            )
            x = (gamma * (x - mean) / deviation + shift).sigmoid()
        last = [name for name in here if int(name.partition(".")[0]) > 4]
        weight, bias = (here[name] for name in last)
        loss = F.cross_entropy(x.flatten(1) @ weight.T + bias, step.labels)
        both = torch.autograd.grad(loss, [here["0.weight"], here["3.weight"]])
        found.append(torch.cat([each.flatten() for each in both]))
    true, constant_statistics = found
    measured = gradient_correction(step, None)
    lengths = true.norm(), constant_statistics.norm()
    cosine = true @ constant_statistics / lengths[0] / lengths[1]
    yield cosine.item(), measured["correction_cosine"]
    yield (lengths[1] / lengths[0]).item(), measured["correction_length"]


def sharpness_of_the_full_hessian(seed: int) -> Iterator[Comparison]:
    """All 63 × 63 numbers of the Hessian, and their largest eigenvalue.

    The network is written out: with torch's own BatchNorm, torch.func.hessian of PyTorch 2.15
    gives a matrix that is not symmetric.
    """
    step = _look(SMALL, VECTOR, seed, rate=0.1)
    sizes = [value.numel() for value in step.parameters.values()]

    def loss(theta: Tensor) -> Tensor:
        parts = zip(step.parameters.values(), torch.split(theta, sizes), strict=True)
        weight, bias, gamma, beta, *last = (part.reshape(v.shape) for v, part in parts)
        x = step.images @ weight.T + bias
        normalised = (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt()
        outputs = (gamma * normalised + beta).sigmoid() @ last[0].T + last[1]
        return F.cross_entropy(outputs, step.labels)

    full = hessian(loss)(flat(_here(step)))
    yield torch.linalg.eigvalsh(full)[-1].item(), sharpness(step, None)["sharpness"]


def theorem(root: bool) -> Callable[[int], Iterator[Comparison]]:
    """γ²/σ²·(‖∇L‖² − ⟨1, ∇L⟩²/m − c·⟨∇L, ŷ⟩²) at ε = 0, the gradients of an arbitrary loss."""

    def pairs(seed: int) -> Iterator[Comparison]:
        for m in (4, 20, 100):
            y = (3 * _random(seed, "y", m) + 1).requires_grad_()
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
        y = _random(seed, "y", 400)

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
    Check("gradients of a step", "`torch.func.grad`", gradients, 1e-10),
    Check("effective β, parameters", "‖Hg‖/‖g‖ by `torch.func.jvp`", beta, 1e-4),
    Check("effective β, activations", "‖Hg‖/‖g‖ by `torch.func.jvp`", beta_of_activations, 1e-4),
    Check(
        "internal covariate shift",
        "Definition 2.1 by `torch.func.grad`",
        internal_covariate_shift,
        1e-8,
    ),
    Check(
        "correction of the gradient by BatchNorm: cosine and length",
        "the network written out, its statistics constants or not",
        correction_of_the_gradient,
        1e-9,
    ),
    Check(
        "sharpness",
        "largest eigenvalue of `torch.func.hessian`",
        sharpness_of_the_full_hessian,
        TOLERANCE,
    ),
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
