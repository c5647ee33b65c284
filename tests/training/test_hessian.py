import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import hessian

from app.experiments.architectures import Architecture, BatchNorm, Linear, Noise, Sigmoid, shallow
from app.training import hessian as ours
from app.training.datasets import Dataset
from app.training.hessian import (
    LEADING,
    edge,
    hessian_product,
    largest_eigenvalue,
    leading,
    leading_eigenvectors,
    sharpness,
)
from app.training.networks import build
from app.training.steps import Step, flat, look
from tests.training.looking import digits, state, step_of, unchanged

# torch's own, at the first forward-mode derivative.
jit_warns = pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:FutureWarning")

RATE = 0.1
SHAPE = (6,)
PLAIN: Architecture = (Linear(5, 0.8), Sigmoid(), Linear(3, 0.8))
NORMED: Architecture = (Linear(5, 0.8), BatchNorm(1.0), Sigmoid(), Linear(3, 0.8))


def small_step(architecture: Architecture, seed: int = 1) -> Step:
    """On random inputs, in double precision: small enough to write its Hessian out."""
    source = torch.Generator().manual_seed(seed)
    inputs = torch.randn(20, *SHAPE, generator=source, dtype=torch.float64)
    labels = torch.randint(3, (20,), generator=source)
    return look(build(architecture, seed, SHAPE).double(), (inputs, labels), RATE)


def full_hessian(step: Step) -> Tensor:
    """All of it, by torch.func, of the network written out.

    With torch's own BatchNorm, torch.func.hessian of 2.15 is not even symmetric.
    """
    sizes = [value.numel() for value in step.parameters.values()]

    def loss(theta: Tensor) -> Tensor:
        parts = zip(step.parameters.values(), torch.split(theta, sizes), strict=True)
        weight, bias, *norm, last_weight, last_bias = (p.reshape(v.shape) for v, p in parts)
        x = step.images @ weight.T + bias
        if norm:
            x = norm[0] * (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt() + norm[1]
        return F.cross_entropy(x.sigmoid() @ last_weight.T + last_bias, step.labels)

    return torch.as_tensor(hessian(loss)(flat(step.parameters).detach()))


@jit_warns
@pytest.mark.parametrize("architecture", [PLAIN, NORMED])
def test_products_are_those_with_the_full_hessian(architecture: Architecture) -> None:
    step = small_step(architecture)
    full, product = full_hessian(step), hessian_product(step)
    identity = torch.eye(len(full), dtype=torch.float64)
    columns = torch.stack([product(row) for row in identity])
    torch.testing.assert_close(columns, full, rtol=1e-9, atol=1e-12)


@jit_warns
@pytest.mark.parametrize("architecture", [PLAIN, NORMED])
def test_sharpness_is_the_largest_eigenvalue_of_the_full_hessian(
    architecture: Architecture,
) -> None:
    step = small_step(architecture)
    expected = torch.linalg.eigvalsh(full_hessian(step))[-1].item()
    measured = sharpness(step, None)
    assert measured["sharpness"] == pytest.approx(expected, rel=ours.TOLERANCE)
    assert measured["edge_distance"] == pytest.approx(abs(expected / (2 / RATE) - 1), rel=1e-3)


def test_the_sharpness_of_a_quadratic_is_its_largest_eigenvalue() -> None:
    """The largest, not the one of greatest size: −9 is none of it."""
    source = torch.Generator().manual_seed(3)
    turn = torch.linalg.qr(torch.randn(40, 40, generator=source, dtype=torch.float64))[0]
    eigenvalues = torch.cat([torch.tensor([-9.0, 7.0]), torch.linspace(0, 6, 38)]).double()
    matrix = turn @ torch.diag(eigenvalues) @ turn.T
    found = largest_eigenvalue(lambda vector: matrix @ vector, eigenvalues)
    assert found == pytest.approx(7, rel=ours.TOLERANCE)


def test_the_leading_directions_of_a_quadratic_are_its_axes() -> None:
    """Three axes stand apart, and the matrix is that of a turned bowl."""
    source = torch.Generator().manual_seed(3)
    turn = torch.linalg.qr(torch.randn(40, 40, generator=source, dtype=torch.float64))[0]
    eigenvalues = torch.cat([torch.linspace(-9, 1, 37), torch.tensor([5.0, 6.0, 8.0])]).double()
    matrix = turn @ torch.diag(eigenvalues) @ turn.T
    values, vectors = leading_eigenvectors(lambda vector: matrix @ vector, eigenvalues, 3)
    assert values.tolist() == pytest.approx([5, 6, 8], rel=ours.TOLERANCE)
    along = (turn.T @ vectors).square()  # of each vector, its shares along the 40 axes
    torch.testing.assert_close(along[-3:], torch.eye(3).double(), atol=0.01, rtol=0)


@jit_warns
@pytest.mark.parametrize("architecture", [PLAIN, NORMED])
def test_the_gradients_share_is_that_of_the_full_hessians_eigenvectors(
    architecture: Architecture,
) -> None:
    step = small_step(architecture)
    eigenvalues, eigenvectors = torch.linalg.eigh(full_hessian(step))
    gradient = flat(step.gradients)
    along = (eigenvectors[:, -LEADING:].T @ gradient).square().sum()
    measured = leading(step, None)
    assert measured["leading_share"] == pytest.approx(
        (along / gradient.square().sum()).item(), abs=0.01
    )
    spread = (eigenvalues[-1] / eigenvalues[-LEADING]).item()
    assert measured["leading_spread"] == pytest.approx(spread, rel=2 * ours.TOLERANCE)
    assert 0 < measured["leading_share"] <= 1


def test_at_the_edge_the_share_of_two_over_the_rate_is_one() -> None:
    step = small_step(NORMED)
    largest = sharpness(step, None)["sharpness"]
    at_the_edge = edge(replace(step, learning_rate=2 / largest), None)
    assert at_the_edge == {"sharpness": largest, "edge_share": pytest.approx(1)}


def test_it_takes_no_more_products_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a closer bound is met by more of them."""
    spectrum = torch.linspace(0, 1, 300, dtype=torch.float64)
    taken: dict[float, int] = {}
    for tolerance in (0.1, 0.001, 0.0):
        monkeypatch.setattr(ours, "TOLERANCE", tolerance)
        vectors: list[Tensor] = []

        def product(vector: Tensor, vectors: list[Tensor] = vectors) -> Tensor:
            vectors.append(vector)
            return spectrum * vector

        largest_eigenvalue(product, spectrum)
        taken[tolerance] = len(vectors)
    assert taken[0.1] < taken[0.001] < taken[0.0] == ours.MOST_PRODUCTS


def test_a_matrix_of_one_row_is_its_own_eigenvalue() -> None:
    assert largest_eigenvalue(lambda vector: 3 * vector, torch.ones(1)) == pytest.approx(3)


def test_a_hessian_that_is_not_finite_has_no_eigenvalue() -> None:
    assert math.isnan(largest_eigenvalue(lambda vector: vector * math.inf, torch.ones(4)))
    step = small_step(PLAIN)
    lost = replace(step, parameters={n: p * math.nan for n, p in step.parameters.items()})
    assert math.isnan(sharpness(lost, None)["sharpness"])
    assert math.isnan(leading(lost, None)["leading_share"])


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_the_sharpness_leaves_no_trace_and_is_the_same_again(
    dataset: Dataset, noise: float
) -> None:
    architecture = shallow("batch", "after_pooling", 1.0, noise=noise)
    assert any(isinstance(layer, Noise) for layer in architecture) == bool(noise)
    step = step_of(architecture, digits(dataset))
    before, gradients = state(step.network), flat(step.gradients).clone()
    random_state = torch.get_rng_state()
    first = sharpness(step, None)
    assert unchanged(step.network, before)
    assert torch.equal(flat(step.gradients), gradients)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert sharpness(step, None) == first
