import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.experiments.architectures import Norm, deep, shallow
from app.training.datasets import Dataset
from app.training.lines import Line, Measured
from app.training.steps import Step, look
from app.training.weight_scale import DOUBLINGS, over_weight_scale
from tests.training.looking import digits, network_of, state, step_of, unchanged

METRICS = ("scaled_loss", "scaled_gradient", "scaled_curvature")
HERE = DOUBLINGS.index(0)
# Far below the least variance of any channel: as good as none, and no division by zero.
NO_EPSILON = 1e-30
EXACT = 1e-8


def values_of(measured: Measured, metric: str) -> list[float]:
    line = measured[metric]
    assert isinstance(line, Line)
    assert (line.low, line.high) == (DOUBLINGS[0], DOUBLINGS[-1])
    return list(line.values)


def step_without_epsilon(norm: Norm, dataset: Dataset) -> Step:
    network = network_of(deep(norm, 4))
    for layer in network:
        if isinstance(layer, nn.BatchNorm2d | nn.GroupNorm):
            layer.eps = NO_EPSILON
    return look(network, digits(dataset), 0.1)


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_below_a_norm_the_loss_stays_and_gradient_and_curvature_fall(
    dataset: Dataset, norm: Norm
) -> None:
    """L(cW) = L(W), ∇L(cW) = ∇L(W)/c, H(cW) = H(W)/c²: exact without ε."""
    measured = over_weight_scale(step_without_epsilon(norm, dataset), None)
    loss, gradient, curvature = (values_of(measured, metric) for metric in METRICS)
    scales = [2.0**doublings for doublings in DOUBLINGS]
    assert loss == pytest.approx([loss[HERE]] * len(scales), rel=EXACT)
    assert gradient == pytest.approx([gradient[HERE] / c for c in scales], rel=EXACT)
    assert curvature == pytest.approx([curvature[HERE] / c**2 for c in scales], rel=EXACT)
    assert measured["loss_spread"] == pytest.approx(0, abs=1e-8)
    assert measured["gradient_power"] == pytest.approx(-1, rel=EXACT)
    assert measured["curvature_power"] == pytest.approx(-2, rel=EXACT)


def test_with_the_usual_epsilon_the_law_holds_nearly(dataset: Dataset) -> None:
    measured = over_weight_scale(step_of(deep("batch", 4), digits(dataset)), None)
    assert 0 < measured["loss_spread"] < 0.01  # type: ignore[operator]
    assert measured["gradient_power"] == pytest.approx(-1, abs=0.01)
    assert measured["gradient_power"] != pytest.approx(-1, abs=1e-7)


def test_without_a_norm_the_loss_changes(dataset: Dataset) -> None:
    measured = over_weight_scale(step_of(deep("none", 4), digits(dataset)), None)
    loss = values_of(measured, "scaled_loss")
    assert measured["loss_spread"] == pytest.approx(max(loss) - min(loss))
    assert max(loss) - min(loss) > 10


def test_without_a_norm_a_gradient_has_one_factor_less_than_there_are_layers(
    dataset: Dataset,
) -> None:
    """With biases at 0, and logits so small that the loss is linear in them."""
    network = network_of(deep("none", 4))
    with torch.no_grad():
        network.get_parameter(f"{len(network) - 1}.weight").mul_(1e-9)
    measured = over_weight_scale(look(network, digits(dataset), 0.1), None)
    assert measured["gradient_power"] == pytest.approx(3, rel=1e-5)


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_at_its_own_weights_the_numbers_are_the_steps(dataset: Dataset, norm: Norm) -> None:
    step = step_of(deep(norm, 3), digits(dataset))
    measured = over_weight_scale(step, None)
    convolutions = {
        f"{i}.weight" for i, layer in enumerate(step.network) if isinstance(layer, nn.Conv2d)
    }
    whole = torch.cat([step.gradients[name].flatten() for name in sorted(convolutions)])
    assert len(convolutions) == 3
    assert values_of(measured, "scaled_loss")[HERE] == pytest.approx(step.loss)
    assert values_of(measured, "scaled_gradient")[HERE] == pytest.approx(whole.norm().item())


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_the_curvature_is_the_change_of_the_gradient_a_short_way_along_it(
    dataset: Dataset, norm: Norm
) -> None:
    """By hand, on a second network: ‖∇L(W + h·g) − ∇L(W − h·g)‖ / ‖2h·g‖ for a small h."""
    images, labels = digits(dataset)
    measured = over_weight_scale(step_of(deep(norm, 3), (images, labels)), None)
    network = network_of(deep(norm, 3))
    weights = [layer.weight for layer in network if isinstance(layer, nn.Conv2d)]

    def gradient() -> list[Tensor]:
        return list(torch.autograd.grad(F.cross_entropy(network(images), labels), weights))

    here, h = gradient(), 1e-7
    ends = []
    for sign in (1, -2):  # from +h to −h
        with torch.no_grad():
            for weight, part in zip(weights, here, strict=True):
                weight.add_(part, alpha=sign * h)
        ends.append(torch.cat([part.flatten() for part in gradient()]))
    length = torch.cat([part.flatten() for part in here]).norm()
    expected = ((ends[0] - ends[1]).norm() / (2 * h * length)).item()
    assert values_of(measured, "scaled_curvature")[HERE] == pytest.approx(expected, rel=1e-5)


def test_it_leaves_no_trace(dataset: Dataset) -> None:
    for architecture in (deep("batch", 3), shallow("batch", "after_pooling", 1, noise=1)):
        step = step_of(architecture, digits(dataset))
        before = state(step.network)
        over_weight_scale(step, None)
        assert unchanged(step.network, before)
        assert all(parameter.grad is None for parameter in step.network.parameters())
