"""What the length of the convolutions' weights does to the loss, its gradient and its curvature."""

import torch
from torch import nn

from app.training.lines import Line, Measured
from app.training.steps import Parameters, Step, flat, loss_at

# Exponents of 2: from a quarter of the weights to four times them.
DOUBLINGS = (-2, -1, 0, 1, 2)


def over_weight_scale(now: Step, before: Step | None) -> Measured:
    """Three lines over log₂ c, at c times the weights W of the network's convolutions.

    On the step's mini-batch, everything else left as it is; gradients are for W alone.
    `scaled_loss`: L(cW). `scaled_gradient`: ‖g‖₂, g = ∇L(cW). `scaled_curvature`: ‖H·g‖₂ / ‖g‖₂, H
    being the Hessian at cW: what effective β along the gradient becomes as its distances go to 0.

    Below a norm without ε, L(cW) = L(W), hence the gradient goes as 1/c and H as 1/c² (van
    Laarhoven 2017). Points: `loss_spread`, the greatest L(cW) less the least, and the powers of c
    by which the others go from the first place to the last, −1 and −2 then.
    """
    weights: Parameters = {
        f"{index}.weight": layer.weight.detach()
        for index, layer in enumerate(now.network)
        if isinstance(layer, nn.Conv2d)
    }
    losses, gradients, curvatures = torch.tensor(
        [_scaled(now, weights, 2**doublings) for doublings in DOUBLINGS], dtype=torch.double
    ).T
    low, high = DOUBLINGS[0], DOUBLINGS[-1]
    return {
        "scaled_loss": Line(low, high, losses.tolist()),
        "scaled_gradient": Line(low, high, gradients.tolist()),
        "scaled_curvature": Line(low, high, curvatures.tolist()),
        "loss_spread": (losses.max() - losses.min()).item(),
        "gradient_power": ((gradients[-1] / gradients[0]).log2() / (high - low)).item(),
        "curvature_power": ((curvatures[-1] / curvatures[0]).log2() / (high - low)).item(),
    }


def _scaled(step: Step, weights: Parameters, factor: float) -> tuple[float, float, float]:
    """Loss, length of its gradient, curvature along that."""
    scaled = {name: (factor * value).requires_grad_() for name, value in weights.items()}
    places = list(scaled.values())
    loss = loss_at(step.network, scaled, (step.images, step.labels), step.criterion)
    gradient = torch.autograd.grad(loss, places, create_graph=True)
    along = [part.detach() for part in gradient]
    bent = torch.autograd.grad(gradient, places, grad_outputs=along)
    length = flat(dict(zip(scaled, along, strict=True))).norm()
    curvature = flat(dict(zip(scaled, bent, strict=True))).norm() / length
    return loss.item(), length.item(), curvature.item()
