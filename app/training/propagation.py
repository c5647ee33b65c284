"""How large the signal is on its way through the blocks, and the gradient on its way back."""

from copy import deepcopy

import torch
from torch import Tensor

from app.training.lines import Line, Measured
from app.training.steps import Step, forward


def through_blocks(now: Step, before: Step | None) -> Measured:
    """Two lines over the blocks 1…n and what they come to; for networks of two blocks or more.

    x_k is what leaves block k (behind norm, ReLU and pooling) for all images of the mini-batch, L
    their loss. `activation_size`: the root of the mean of x_k² over images, channels and
    positions. `gradient_size`: ‖∂L/∂x_k‖₂ over all of them together. Points: how far each has
    grown on its way, `activation_growth` x_n over x_1 and `gradient_growth` x_1 over x_n; and
    `gradient_growth_a_block`, the (n − 1)th root of the latter.
    """
    sizes = torch.stack([x.square().mean().sqrt() for x in now.inputs])
    lengths = torch.stack([gradient.norm() for gradient in _activation_gradients(now)])
    growth = lengths[0] / lengths[-1]
    last = len(sizes)
    return {
        "activation_size": Line(1, last, sizes.tolist()),
        "gradient_size": Line(1, last, lengths.tolist()),
        "activation_growth": (sizes[-1] / sizes[0]).item(),
        "gradient_growth": growth.item(),
        "gradient_growth_a_block": (growth ** (1 / (last - 1))).item(),
    }


def _activation_gradients(step: Step) -> tuple[Tensor, ...]:
    """∂L/∂x for each of the step's `inputs`, in a pass through a copy of the network."""
    # The images need a gradient for those of layers whose parameters are frozen.
    outputs, inputs = forward(deepcopy(step.network), step.images.detach().requires_grad_())
    return torch.autograd.grad(step.criterion(outputs, step.labels), inputs)
