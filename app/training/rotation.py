"""How far a step turns the weights of the convolutions, and the rate that their length leaves."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from app.training.steps import Step


def rotation(now: Step, before: Step | None) -> Mapping[str, float]:
    """What the next step of gradient descent does to each convolution's weights W; means over them.

    `step_angle`: between W and W − η∇L, in degrees (the angular update of Wan et al. 2021).
    `effective_rate`: η/‖W‖₂², a pure number (Li, Arora 2020). Below a norm without ε the
    gradient stands at right angles to W, and its length goes as 1/‖W‖, so that the angle is the
    arctangent of η/‖W‖² times the gradient's length at ‖W‖ = 1: both numbers are the same for
    (c·W, c²·η) as for (W, η). Other parameters, the biases among them, are left out.
    """
    moved = now.moved(now.learning_rate)
    weights = [
        f"{place}.weight" for place, layer in enumerate(now.network) if isinstance(layer, nn.Conv2d)
    ]
    pairs = [(now.parameters[name].detach().flatten(), moved[name].flatten()) for name in weights]
    angles = torch.stack([_angle(ours, theirs) for ours, theirs in pairs])
    rates = torch.stack([now.learning_rate / ours.square().sum() for ours, _ in pairs])
    return {"step_angle": angles.rad2deg().mean().item(), "effective_rate": rates.mean().item()}


def _angle(one: Tensor, other: Tensor) -> Tensor:
    """In radians; by half angles, for an arccosine loses small ones to rounding."""
    u, v = one / one.norm(), other / other.norm()
    return 2 * torch.atan2((u - v).norm(), (u + v).norm())
