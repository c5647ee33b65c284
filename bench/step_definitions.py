"""Our measures of a step against their definitions, each written out a second time.

As in `definitions.py`.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import (
    functional_call,
    grad,
    hessian,
    jvp,
    replace_all_batch_norm_modules_,
)

from app.experiments.architectures import (
    Architecture,
    BatchNorm,
    Convolution,
    Linear,
    Sigmoid,
)
from app.training import landscape
from app.training.correction import gradient_correction
from app.training.hessian import LEADING, TOLERANCE, leading, sharpness
from app.training.lines import Line
from app.training.measures import ics
from app.training.networks import build
from app.training.propagation import through_blocks
from app.training.randomness import stream
from app.training.rotation import rotation
from app.training.steps import Parameters, Step, flat, look
from bench.checks import Check, Comparison, largest_deviation, random_numbers

PICTURE, VECTOR = (1, 8, 8), (6,)
CONVOLUTIONS: Architecture = (
    *(Convolution(2, 3, 0.5), BatchNorm(1.0), Sigmoid()),
    *(Convolution(2, 3, 0.5), BatchNorm(1.0), Sigmoid()),
    Linear(10, 0.3),
)
SMALL: Architecture = (Linear(5, 0.8), BatchNorm(1.0), Sigmoid(), Linear(3, 0.8))


def _look(architecture: Architecture, shape: tuple[int, ...], seed: int, rate: float) -> Step:
    network = build(architecture, seed, shape).double()
    labels = torch.randint(3, (20,), generator=stream(seed, "labels"))
    return look(network, (random_numbers(seed, "inputs", 20, *shape), labels), rate)


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
    yield from largest_deviation(flat(expected, step.parameters), flat(step.gradients))


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


def cosine_between_images(seed: int) -> Iterator[Comparison]:
    """Block by block, off the diagonal of the matrix of all cosines."""
    step = _look(CONVOLUTIONS, PICTURE, seed, rate=0.1)
    measured = through_blocks(step, None)["activation_cosine"]
    assert isinstance(measured, Line)
    for x, ours in zip(step.inputs, measured.values, strict=True):
        all_pairs = torch.corrcoef(_with_its_opposite(x.flatten(1)))
        apart = ~torch.eye(len(all_pairs), dtype=torch.bool)
        yield all_pairs[apart].mean().item(), ours


def _with_its_opposite(rows: Tensor) -> Tensor:
    """(N, D) → (N, 2D), of mean 0: so that a correlation is the cosine between two rows."""
    return torch.cat([rows, -rows], 1)


def turn_of_the_weights(seed: int) -> Iterator[Comparison]:
    """Of both convolutions, after a step on a copy: by an arccosine; and the rate left to them."""
    rate = 0.5
    step = _look(CONVOLUTIONS, PICTURE, seed, rate)
    slope, here = grad(_loss(step))(_here(step), step.images), _here(step)
    angles, rates = [], []
    for name in ("0.weight", "3.weight"):
        w, moved = here[name].flatten(), (here[name] - rate * slope[name]).flatten()
        angles.append(torch.rad2deg(torch.acos(F.cosine_similarity(w, moved, dim=0))).item())
        rates.append(rate / (w @ w).item())
    measured = rotation(step, None)
    yield sum(angles) / 2, measured["step_angle"]
    yield sum(rates) / 2, measured["effective_rate"]


def _full_hessian(step: Step) -> Tensor:
    """All 63 × 63 numbers of it, for the network SMALL.

    The network is written out: with torch's own BatchNorm, torch.func.hessian of PyTorch 2.15
    gives a matrix that is not symmetric.
    """
    sizes = [value.numel() for value in step.parameters.values()]

    def loss(theta: Tensor) -> Tensor:
        parts = zip(step.parameters.values(), torch.split(theta, sizes), strict=True)
        weight, bias, gamma, beta, *last = (part.reshape(v.shape) for v, part in parts)
        x = step.images @ weight.T + bias
        normalised = (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt()
        outputs = (gamma * normalised + beta).sigmoid() @ last[0].T + last[1]
        return F.cross_entropy(outputs, step.labels)

    return torch.as_tensor(hessian(loss)(flat(_here(step))))


def sharpness_of_the_full_hessian(seed: int) -> Iterator[Comparison]:
    """The largest eigenvalue."""
    step = _look(SMALL, VECTOR, seed, rate=0.1)
    full = _full_hessian(step)
    yield torch.linalg.eigvalsh(full)[-1].item(), sharpness(step, None)["sharpness"]


def gradient_along_leading_directions(seed: int) -> Iterator[Comparison]:
    """Of the ten largest eigenvalues of all 63, written out as above."""
    step = _look(SMALL, VECTOR, seed, rate=0.1)
    vectors = torch.linalg.eigh(_full_hessian(step))[1][:, -LEADING:]
    gradient = flat(step.gradients)
    share = (vectors.T @ gradient).square().sum() / gradient.square().sum()
    yield share.item(), leading(step, None)["leading_share"]


CHECKS = (
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
        "cosine between two images, block by block",
        "`torch.corrcoef`, all pairs",
        cosine_between_images,
        1e-12,
    ),
    Check(
        "turn of the weights: angle of a step, η/‖W‖²",
        "by an arccosine, from `torch.func.grad`",
        turn_of_the_weights,
        1e-9,
    ),
    Check(
        "sharpness",
        "largest eigenvalue of `torch.func.hessian`",
        sharpness_of_the_full_hessian,
        TOLERANCE,
    ),
    Check(
        "gradient’s share along the ten sharpest directions",
        "eigenvectors of `torch.func.hessian`",
        gradient_along_leading_directions,
        TOLERANCE,
    ),
)
