from dataclasses import replace
from math import acos, atan, degrees

import pytest
import torch
from torch import nn

from app.experiments.architectures import Norm, deep, shallow
from app.training.datasets import Dataset
from app.training.rotation import rotation
from app.training.steps import Step, look, update
from tests.training.looking import digits, network_of, state, step_of, unchanged

RATE = 0.1
# Far below the least variance of any channel: as good as none, and no division by zero.
NO_EPSILON = 1e-30


def values_of(step: Step) -> tuple[float, float]:
    """The angle and the effective rate."""
    measured = rotation(step, None)
    return measured["step_angle"], measured["effective_rate"]


def convolutions(step: Step) -> list[nn.Conv2d]:
    return [layer for layer in step.network if isinstance(layer, nn.Conv2d)]


def step_with_longer_weights(dataset: Dataset, factor: float, rate: float) -> Step:
    """Without ε, so that the loss does not know how long the convolutions' weights are."""
    network = network_of(deep("batch", 3))
    for layer in network:
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps = NO_EPSILON
        if isinstance(layer, nn.Conv2d):
            with torch.no_grad():
                layer.weight.mul_(factor)
    return look(network, digits(dataset), rate)


@pytest.mark.parametrize(
    ("gradient", "expected"),
    [((0.0, 5.0), 45.0), ((2.0, 0.0), 0.0), ((5.0, 5.0), 90.0), ((9.0, 0.0), 180.0)],
)
def test_the_angle_of_a_step_in_the_plane(gradient: tuple[float, float], expected: float) -> None:
    """From (0.5, 0): a step of 0.1 times the gradient, and the rate over a quarter."""
    network = nn.Sequential(nn.Conv2d(2, 1, kernel_size=1))
    weight = torch.tensor([0.5, 0.0]).reshape(1, 2, 1, 1)
    step = Step(
        network=network,
        images=torch.empty(0),
        labels=torch.empty(0),
        criterion=nn.functional.cross_entropy,
        learning_rate=RATE,
        parameters={"0.weight": weight},
        loss=0.0,
        gradients={"0.weight": torch.tensor(gradient).reshape(1, 2, 1, 1)},
        outputs=torch.empty(0),
        inputs=[],
    )
    angle, rate = values_of(step)
    assert angle == pytest.approx(expected, abs=1e-4)
    assert rate == pytest.approx(RATE / 0.25)


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_the_angle_lies_between_the_weights_before_and_after_the_update(
    dataset: Dataset, norm: Norm
) -> None:
    step = step_of(deep(norm, 3), digits(dataset), RATE)
    angle, rate = values_of(step)
    before = [layer.weight.detach().clone().flatten() for layer in convolutions(step)]
    update(step)
    after = [layer.weight.detach().flatten() for layer in convolutions(step)]
    cosines = [a @ b / a.norm() / b.norm() for a, b in zip(before, after, strict=True)]
    assert len(before) == 3
    assert angle == pytest.approx(sum(degrees(acos(c)) for c in cosines) / 3)
    assert rate == pytest.approx(sum(RATE / w.square().sum().item() for w in before) / 3)


def test_below_a_norm_the_gradient_is_at_right_angles_and_the_angle_is_an_arctangent(
    dataset: Dataset,
) -> None:
    step = step_with_longer_weights(dataset, 1, RATE)
    names = [f"{i}.weight" for i, each in enumerate(step.network) if isinstance(each, nn.Conv2d)]
    tangents = [RATE * step.gradients[n].norm() / step.parameters[n].detach().norm() for n in names]
    assert values_of(step)[0] == pytest.approx(sum(degrees(atan(t)) for t in tangents) / 3)


def test_weights_twice_as_long_at_four_times_the_rate_turn_as_far(dataset: Dataset) -> None:
    """(c·W, c²·η) is (W, η): Li, Arora 2020. At the same rate, by nearly a quarter."""
    usual = values_of(step_with_longer_weights(dataset, 1, RATE))
    assert values_of(step_with_longer_weights(dataset, 2, 4 * RATE)) == pytest.approx(usual)
    angle, rate = values_of(step_with_longer_weights(dataset, 2, RATE))
    assert rate == pytest.approx(usual[1] / 4)
    assert angle == pytest.approx(usual[0] / 4, rel=0.01)


def test_a_rate_of_nothing_turns_nothing(dataset: Dataset) -> None:
    step = replace(step_of(deep("batch", 3), digits(dataset)), learning_rate=0)
    assert values_of(step) == (0, 0)


def test_it_leaves_no_trace(dataset: Dataset) -> None:
    step = step_of(shallow("batch", "after_pooling", 1, noise=1), digits(dataset))
    before = state(step.network)
    rotation(step, None)
    assert unchanged(step.network, before)
