"""The Hessian of the loss at a step, by its exact products with vectors: never written out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
# One for each digit: about as many eigenvalues as classes stand apart (Ghorbani et al. 2019).
LEADING = 10


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


def leading(now: Step, before: Step | None) -> Mapping[str, float]:
    """The LEADING largest eigenvalues of the Hessian, and how much of the gradient is along them.

    `leading_share`: ‖Vᵀg‖²/‖g‖² with the gradient g and the eigenvectors V (P, LEADING), 0 to 1; a
    random direction has LEADING/P (Ghorbani et al. 2019). `leading_spread`: the largest of
    these eigenvalues over the smallest.
    """
    gradient = flat(now.gradients)
    values, vectors = leading_eigenvectors(hessian_product(now), gradient, LEADING)
    share = (vectors.T @ gradient).square().sum() / gradient.square().sum()
    return {
        "leading_share": share.item(),
        "leading_spread": (values[-1] / values[0]).item(),
    }


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
    largest = nan
    for found in _lanczos(product, like):
        largest = float(found.values[-1])
        if found.residuals[-1].item() <= TOLERANCE * abs(largest):
            break
    return largest


def leading_eigenvectors(product: Product, like: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest eigenvalues (count,), rising, and their eigenvectors (P, count).

    As in `largest_eigenvalue`, until the residual of each is within TOLERANCE of the smallest of
    them. Five times that bound missed up to 0.4 of the gradient's share, in four trainings.
    """
    count = min(count, len(like))
    found = Ritz.unknown([like])
    for found in _lanczos(product, like):
        residuals = found.residuals[-count:]
        if len(residuals) == count and bool(
            (residuals <= TOLERANCE * found.values[-count].abs()).all()
        ):
            break
    vectors = found.basis.T @ found.vectors[:, -count:].to(like)
    return found.values[-count:], vectors


@dataclass(frozen=True, slots=True)
class Ritz:
    """What n products tell of a matrix (P, P): values (n,), rising; what each of them lacks (n,).

    `vectors` (n, n) are over the `basis` (n, P); `residuals` are ‖Hv − λv‖₂.
    """

    values: Tensor
    vectors: Tensor
    residuals: Tensor
    basis: Tensor

    @classmethod
    def unknown(cls, basis: Sequence[Tensor]) -> "Ritz":
        """Of a matrix that is not finite."""
        unknown = torch.full((len(basis),), nan, dtype=torch.float64)
        return cls(unknown, torch.diag(unknown), unknown, torch.stack(list(basis)))


def _lanczos(product: Product, like: Tensor) -> Iterator[Ritz]:
    """What is known after each product; unknown, and the last, where one is not finite."""
    start = torch.randn(len(like), generator=stream(0, "Lanczos"))
    basis = [(start / start.norm()).to(like)]
    diagonal: list[float] = []
    beside: list[float] = []
    while len(diagonal) < min(len(like), MOST_PRODUCTS):
        image = product(basis[-1])
        diagonal.append((image @ basis[-1]).item())
        known = torch.stack(basis)
        rest = _orthogonal(image, known)
        beside.append(rest.norm().item())
        if not (isfinite(diagonal[-1]) and isfinite(beside[-1])):
            yield Ritz.unknown(basis)
            return
        values, vectors = torch.linalg.eigh(_tridiagonal(diagonal, beside[:-1]))
        yield Ritz(values, vectors, beside[-1] * vectors[-1].abs(), known)
        basis.append(rest / beside[-1])


def _orthogonal(vector: Tensor, basis: Tensor) -> Tensor:
    """Without its part in the span of the rows; twice, or rounding would leave some of it."""
    for _ in range(2):
        vector = vector - basis.T @ (basis @ vector)
    return vector


def _tridiagonal(diagonal: list[float], beside: list[float]) -> Tensor:
    middle = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    side = torch.tensor(beside, dtype=torch.float64)
    return middle + torch.diag(side, 1) + torch.diag(side, -1) if beside else middle
