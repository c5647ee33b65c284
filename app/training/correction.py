"""What the batch's statistics do to the gradient of a layer with BatchNorm."""

from collections.abc import Mapping
from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.training.norms import EPSILON, DetachedBatchNorm
from app.training.steps import Step, flat, loss_at


def gradient_correction(now: Step, before: Step | None) -> Mapping[str, float]:
    """The two terms that BatchNorm takes out of the gradient, and what they do to the weights'.

    With g the gradient of the loss for what a norm hands on, and x̂ the norm's normalised input,
    each channel by itself over the m values of a mini-batch (Santurkar et al. 2018, Theorem 4.1):
    `gradient_mean` is ⟨1, g⟩²/m and `gradient_along` ⟨g, x̂⟩²/m, summed over channels, as a share of
    ‖g‖²; mean over the norms. Where there is none, of what the convolutions hand on.

    `correction_cosine` and `correction_length`: the gradient for all weights of the convolutions if
    the statistics are constants, against BatchNorm's own on the same mini-batch: cosine of the
    angle between the two, and how many times as long it is. Without BatchNorm both are 1.
    """
    shares = torch.stack([_shares(g, y) for g, y in _at_norms(now)]).mean(0).tolist()
    weights = [
        f"{place}.weight" for place, each in enumerate(now.network) if isinstance(each, nn.Conv2d)
    ]
    own, other = flat(now.gradients, weights), _with_other_norms(now, weights)
    is_detached = any(isinstance(layer, DetachedBatchNorm) for layer in now.network)
    detached, true = (own, other) if is_detached else (other, own)
    return {
        "gradient_mean": shares[0],
        "gradient_along": shares[1],
        "correction_cosine": F.cosine_similarity(detached, true, dim=0).clamp(-1, 1).item(),
        "correction_length": (detached.norm() / true.norm()).item(),
    }


def _at_norms(step: Step) -> list[tuple[Tensor, Tensor]]:
    """For each norm: the gradient for what it hands on, and what it is given, (N, C, H, W) each."""
    network = deepcopy(step.network)
    normed = any(isinstance(layer, nn.BatchNorm2d) for layer in network)
    x, given, handed_on = step.images, list[Tensor](), list[Tensor]()
    for layer in network:
        entering, x = x, layer(x)
        if isinstance(layer, nn.BatchNorm2d if normed else nn.Conv2d):
            given.append((entering if normed else x).detach())
            handed_on.append(x)
            x = x.clone()  # a ReLU overwrites what it is given
    gradients = torch.autograd.grad(step.criterion(x, step.labels), handed_on)
    return list(zip(gradients, given, strict=True))


def _shares(gradient: Tensor, values: Tensor) -> Tensor:
    """Of ‖g‖², those of the mean and of the part along the normalised values, (2,)."""
    g, y = (x.transpose(0, 1).flatten(1) for x in (gradient, values))  # (C, m)
    variance, mean = torch.var_mean(y, 1, correction=0, keepdim=True)
    normalised = (y - mean) / (variance + EPSILON).sqrt()
    parts = torch.stack([g.sum(1).square(), (g * normalised).sum(1).square()]).sum(1)
    return parts / g.shape[1] / g.square().sum()


def _with_other_norms(step: Step, names: list[str]) -> Tensor:
    """The gradient for these parameters with BatchNorm where it is detached, and vice versa."""
    network = nn.Sequential(*map(_other, step.network))
    movable = {name: value.detach().requires_grad_() for name, value in step.parameters.items()}
    loss = loss_at(network, movable, (step.images, step.labels), step.criterion)
    found = torch.autograd.grad(loss, [movable[name] for name in names])
    return flat(dict(zip(names, found, strict=True)))


def _other(layer: nn.Module) -> nn.Module:
    if not isinstance(layer, nn.BatchNorm2d):
        return layer
    kind = nn.BatchNorm2d if isinstance(layer, DetachedBatchNorm) else DetachedBatchNorm
    return kind(layer.num_features).to(layer.weight)
