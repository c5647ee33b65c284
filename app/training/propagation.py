"""What becomes of signals on their way through the blocks, and of gradients on their way back."""

from copy import deepcopy

import torch
import torch.nn.functional as F
from torch import Tensor

from app.training.lines import Line, Measured
from app.training.steps import Step, forward


def through_blocks(now: Step, before: Step | None) -> Measured:
    """Three lines over the blocks 1…n and what they come to; for networks of two blocks or more.

    x_k is what leaves block k (behind norm, ReLU and pooling) for all images of the mini-batch, L
    their loss. `activation_size`: the root of the mean of x_k² over images, channels and
    positions. `gradient_size`: ‖∂L/∂x_k‖₂ over all of them together. `activation_cosine`: see
    `mean_cosine`. Points: how far the first two have grown on their way, `activation_growth` x_n
    over x_1 and `gradient_growth` x_1 over x_n; `gradient_growth_a_block`, the (n − 1)th root of
    the latter; and `last_cosine`, the cosine at block n.
    """
    sizes = torch.stack([x.square().mean().sqrt() for x in now.inputs])
    lengths = torch.stack([gradient.norm() for gradient in _activation_gradients(now)])
    cosines = [mean_cosine(x) for x in now.inputs]
    growth = lengths[0] / lengths[-1]
    last = len(sizes)
    return {
        "activation_size": Line(1, last, sizes.tolist()),
        "gradient_size": Line(1, last, lengths.tolist()),
        "activation_cosine": Line(1, last, cosines),
        "activation_growth": (sizes[-1] / sizes[0]).item(),
        "gradient_growth": growth.item(),
        "gradient_growth_a_block": (growth ** (1 / (last - 1))).item(),
        "last_cosine": cosines[-1],
    }


def mean_cosine(activations: Tensor) -> float:
    """(N, …) → mean of the cosine between the activations of two images, over all pairs.

    1 where all images look the same to the layers that follow, 0 where they are orthogonal in the
    mean (Daneshmand et al. 2020, 2021). An image without any activity counts as orthogonal to all.
    """
    directions = F.normalize(activations.flatten(1))  # (N, features)
    count = len(directions)
    # All pairs at once, each in both orders: the sum's square has the pairs of equals besides.
    pairs = directions.sum(0).square().sum() - directions.square().sum()
    return (pairs / (count * (count - 1))).item()


def _activation_gradients(step: Step) -> tuple[Tensor, ...]:
    """∂L/∂x for each of the step's `inputs`, in a pass through a copy of the network."""
    # The images need a gradient for those of layers whose parameters are frozen.
    outputs, inputs = forward(deepcopy(step.network), step.images.detach().requires_grad_())
    return torch.autograd.grad(step.criterion(outputs, step.labels), inputs)
