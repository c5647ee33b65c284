import pytest
import torch
from torch import nn

from app.experiments.architectures import Norm, deep, shallow
from app.training.correction import gradient_correction
from app.training.datasets import Dataset
from app.training.steps import flat
from tests.training.looking import digits, state, step_of, unchanged


@pytest.mark.parametrize("norm", ["batch", "detached"])
def test_both_kinds_of_norm_say_the_same_at_the_same_weights(dataset: Dataset, norm: Norm) -> None:
    """Cosine and length of the gradient without the two terms, against that with them."""
    batch = digits(dataset)
    ours, detached = (step_of(deep(each, 3), batch) for each in ("batch", "detached"))
    weights = [name for name, value in ours.parameters.items() if value.dim() == 4]
    true, without = (flat(step.gradients, weights) for step in (ours, detached))
    found = gradient_correction({"batch": ours, "detached": detached}[norm], None)
    cosine = (true @ without / true.norm() / without.norm()).item()
    assert found["correction_cosine"] == pytest.approx(cosine, rel=1e-9)
    assert found["correction_length"] == pytest.approx((without.norm() / true.norm()).item())
    assert cosine < 0.9


def test_without_a_norm_nothing_is_corrected(dataset: Dataset) -> None:
    found = gradient_correction(
        step_of(shallow("none", "after_pooling", 1.0), digits(dataset)), None
    )
    assert found["correction_cosine"] == pytest.approx(1)
    assert found["correction_length"] == pytest.approx(1)
    assert 0 < found["gradient_mean"] < 1
    assert 0 < found["gradient_along"] < 1


def test_the_shares_are_those_of_theorem_4_1(dataset: Dataset) -> None:
    """With one norm, ‖∇_y L‖² = γ²/σ²·‖g‖²·(1 − share of the mean − share along), γ and σ alike."""
    step = step_of(deep("batch", 1), digits(dataset))
    convolution, norm, *upper = step.network
    assert isinstance(norm, nn.BatchNorm2d)
    y = convolution(step.images).detach().requires_grad_()
    handed_on = norm(y)
    x = handed_on.clone()
    for layer in upper:
        x = layer(x)
    below, g = torch.autograd.grad(step.criterion(x, step.labels), (y, handed_on))
    variance = y.detach().var((0, 2, 3), correction=0) + norm.eps
    kept = (below.square().sum((0, 2, 3)) * variance).sum() / g.square().sum()
    found = gradient_correction(step, None)
    assert 1 - found["gradient_mean"] - found["gradient_along"] == pytest.approx(
        kept.item(), abs=1e-6
    )


@pytest.mark.parametrize("norm", ["none", "batch", "detached"])
def test_measuring_leaves_no_trace(dataset: Dataset, norm: Norm) -> None:
    step = step_of(deep(norm, 3), digits(dataset))
    before = state(step.network)
    gradient_correction(step, None)
    assert unchanged(step.network, before)
