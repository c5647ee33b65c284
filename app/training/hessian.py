"""The Hessian of the loss at a step, by its exact products with vectors: never written out."""

from collections.abc import Callable, Mapping
from math import isfinite, nan
from typing import TypeAlias

import torch
from torch import Tensor

from app.training.randomness import stream
from app.training.steps import Step, flat, loss_at

Product: TypeAlias = Callable[[Tensor], Tensor]

# Some eigenvalue lies within this share of the one that is told.
TOLERANCE = 0.01
# Measured in 14 trainings of small networks: 9 to 14 products do on average, 23 at most.
MOST_PRODUCTS = 60


def sharpness(now: Step, before: Step | None) -> Mapping[str, float]:
    """The largest eigenvalue of the Hessian of the loss (Cohen et al. 2021, §2), in training mode.

    Of all parameters that learn, on the step's mini-batch. `edge_distance` is its distance from
    2/η, as a share of that: beyond 2/η, gradient descent on a quadratic leaves the minimum.
    """
    largest = largest_eigenvalue(hessian_product(now), flat(now.parameters))
    return {
        "sharpness": largest,
        "edge_distance": abs(largest * now.learning_rate / 2 - 1),
    }


def edge(now: Step, before: Step | None) -> Mapping[str, float]:
    """The sharpness, and as a share of 2/η: free of the loss's scale, and 1 at the edge."""
    largest = largest_eigenvalue(hessian_product(now), flat(now.parameters))
    return {"sharpness": largest, "edge_share": largest * now.learning_rate / 2}


def hessian_product(step: Step) -> Product:
    """v ↦ Hv for the Hessian H of the step's loss at its parameters, both flat, (P,).

    Exact, by differentiating ⟨∇L, v⟩ (Pearlmutter 1994); the network stays as it was.
    """
    movable = {name: p.detach().requires_grad_() for name, p in step.parameters.items()}
    values = list(movable.values())
    sizes = [value.numel() for value in values]
    loss = loss_at(step.network, movable, (step.images, step.labels), step.criterion)
    gradients = torch.autograd.grad(loss, values, create_graph=True)

    def product(vector: Tensor) -> Tensor:
        parts = torch.split(vector, sizes)
        shaped = [part.reshape(value.shape) for part, value in zip(parts, values, strict=True)]
        found = torch.autograd.grad(
            gradients, values, shaped, retain_graph=True, materialize_grads=True
        )
        return torch.cat([part.reshape(-1) for part in found])

    return product


def largest_eigenvalue(product: Product, like: Tensor) -> float:
    """Of the symmetric matrix (P, P) behind `product`, by Lanczos' method.

    Its vectors are `like` that one, (P,), in type and place.
    Starts from the same random vector each time and ends when the residual is within TOLERANCE
    of the eigenvalue, or after MOST_PRODUCTS. NaN where a product is not finite.
    """
    start = torch.randn(len(like), generator=stream(0, "Lanczos"))
    basis = [(start / start.norm()).to(like)]
    diagonal: list[float] = []
    beside: list[float] = []
    largest = nan
    while len(diagonal) < min(len(like), MOST_PRODUCTS):
        image = product(basis[-1])
        diagonal.append((image @ basis[-1]).item())
        rest = _orthogonal(image, torch.stack(basis))
        beside.append(rest.norm().item())
        if not (isfinite(diagonal[-1]) and isfinite(beside[-1])):
            return nan
        values, vectors = torch.linalg.eigh(_tridiagonal(diagonal, beside[:-1]))
        largest = float(values[-1])
        if beside[-1] * abs(vectors[-1, -1].item()) <= TOLERANCE * abs(largest):
            return largest
        basis.append(rest / beside[-1])
    return largest


def _orthogonal(vector: Tensor, basis: Tensor) -> Tensor:
    """Without its part in the span of the rows; twice, or rounding would leave some of it."""
    for _ in range(2):
        vector = vector - basis.T @ (basis @ vector)
    return vector


def _tridiagonal(diagonal: list[float], beside: list[float]) -> Tensor:
    middle = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    side = torch.tensor(beside, dtype=torch.float64)
    return middle + torch.diag(side, 1) + torch.diag(side, -1) if beside else middle
