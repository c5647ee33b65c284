"""The deep linear network: squared error, its gradients, BatchNorm in it, β of a known Hessian."""

import pytest
import torch
from torch import Tensor, nn

from app.experiments.architectures import Norm, linear_chain
from app.training.landscape import along_gradient
from app.training.networks import build
from app.training.steps import Batch, Step, look, squared_error, update

RATE = 1e-4
WIDTH = 4


def numbers(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def batch() -> Batch:
    """More examples than are needed to know A, and targets that an affine map can't fit exactly."""
    return numbers(30, WIDTH, seed=1), numbers(30, WIDTH, seed=2)


def step_of(norm: Norm, depth: int, batch: Batch, rate: float = RATE) -> Step:
    network = build(linear_chain(norm, depth, WIDTH), 3, (WIDTH,)).double()
    return look(network, batch, rate, squared_error)


def test_the_squared_error_is_a_sum_over_examples_and_values() -> None:
    outputs = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    targets = torch.tensor([[0.0, 2.0], [5.0, 1.0]])
    assert squared_error(outputs, targets).item() == 1 + 0 + 4 + 9


def test_the_gradients_of_one_layer_are_those_of_least_squares(batch: Batch) -> None:
    """For y = Wx + b: ∂L/∂W = 2·(Y − T)ᵀX and ∂L/∂b = 2·Σ(y − t)."""
    step = step_of("none", 1, batch)
    x, targets = batch
    error = (
        x @ step.parameters["0.weight"].detach().T + step.parameters["0.bias"].detach() - targets
    )
    assert step.loss == pytest.approx(error.square().sum().item(), rel=1e-12)
    torch.testing.assert_close(step.gradients["0.weight"], 2 * error.T @ x)
    torch.testing.assert_close(step.gradients["0.bias"], 2 * error.sum(0))


def test_the_gradients_of_two_layers_follow_the_chain_rule(batch: Batch) -> None:
    step = step_of("none", 2, batch)
    x, targets = batch
    first, second = (step.parameters[f"{i}.weight"].detach() for i in (0, 1))
    error = x @ first.T @ second.T - targets  # biases start at 0
    torch.testing.assert_close(step.gradients["1.weight"], 2 * error.T @ (x @ first.T))
    torch.testing.assert_close(step.gradients["0.weight"], 2 * (error @ second).T @ x)


def test_beta_of_one_layer_is_that_of_its_known_hessian(batch: Batch) -> None:
    """L is a quadratic in (W, b), H = 2·ZᵀZ for each output, Z = (X, 1): β = ‖Hg‖/‖g‖ exactly."""
    step = step_of("none", 1, batch)
    inputs = torch.cat([batch[0], torch.ones(len(batch[0]), 1, dtype=torch.float64)], 1)
    hessian = 2 * inputs.T @ inputs
    gradient = torch.cat([step.gradients["0.weight"], step.gradients["0.bias"][:, None]], 1)
    measured = along_gradient(step, None)
    change = (gradient @ hessian).norm().item()
    length = gradient.norm().item()
    assert measured["beta"] == pytest.approx(change / length, rel=1e-6)
    assert measured["gradient_change"] == pytest.approx(4 * RATE * change / length, rel=1e-6)
    for factor, name in ((0.5, "gradient_distance_min"), (4, "gradient_distance")):
        assert measured[name] == pytest.approx(factor * RATE * change, rel=1e-6)


def test_the_loss_along_the_gradient_of_one_layer_is_a_known_parabola(batch: Batch) -> None:
    step = step_of("none", 1, batch)
    inputs = torch.cat([batch[0], torch.ones(len(batch[0]), 1, dtype=torch.float64)], 1)
    gradient = torch.cat([step.gradients["0.weight"], step.gradients["0.bias"][:, None]], 1)
    curvature = 2 * (inputs @ gradient.T).square().sum().item()
    slope = gradient.square().sum().item()
    losses = [
        step.loss - a * slope + 0.5 * a**2 * curvature for a in (RATE * f for f in (0.5, 1, 2, 4))
    ]
    measured = along_gradient(step, None)
    assert measured["loss_min"] == pytest.approx(min(losses), rel=1e-6)
    assert measured["loss_max"] == pytest.approx(max(losses), rel=1e-6)


def test_batchnorm_stands_behind_every_layer_but_the_last() -> None:
    network = build(linear_chain("batch", 25, 10), 1, (10,))
    assert [type(module) for module in network] == [nn.Linear, nn.BatchNorm1d] * 24 + [nn.Linear]
    plain = build(linear_chain("none", 25, 10), 1, (10,))
    assert [type(module) for module in plain] == [nn.Linear] * 25
    for ours, theirs in zip(network[::2], plain, strict=True):
        assert isinstance(ours, nn.Linear)
        assert isinstance(theirs, nn.Linear)
        assert torch.equal(ours.weight, theirs.weight)


def test_what_enters_the_later_layers_of_the_chain_is_normalised(batch: Batch) -> None:
    step = step_of("batch", 3, batch)
    assert [tuple(x.shape) for x in step.inputs] == [(30, WIDTH)] * 2
    for x in step.inputs:
        assert x.mean(0).abs().max().item() < 1e-12
        torch.testing.assert_close(
            x.var(0, correction=0), torch.ones(WIDTH).double(), rtol=1e-3, atol=0
        )


def test_weights_below_batchnorm_have_no_slope_along_themselves(batch: Batch) -> None:
    """⟨W, ∂L/∂W⟩ ≈ 0, row by row: the length of a row has no use."""
    step = step_of("batch", 3, batch)
    for name in ("0.weight", "2.weight"):
        weight, gradient = step.parameters[name].detach(), step.gradients[name]
        slopes = (weight * gradient).sum(1) / (weight.norm(dim=1) * gradient.norm(dim=1))
        assert slopes.abs().max().item() < 1e-3


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_descent_in_small_steps_lowers_the_squared_error(norm: Norm, batch: Batch) -> None:
    network = build(linear_chain(norm, 3, WIDTH), 3, (WIDTH,)).double()
    losses = []
    for _ in range(30):
        step = look(network, batch, 1e-4, squared_error)
        losses.append(step.loss)
        update(step)
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0]
