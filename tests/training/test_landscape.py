import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.events import Row
from app.experiments.architectures import deep, shallow
from app.training import landscape
from app.training.datasets import Dataset
from app.training.landscape import (
    along_activation_gradient,
    along_gradient,
    barrier,
    crossing,
    line,
    line_with_running_averages,
    loss_change,
    over_distance,
    surface,
)
from app.training.lines import Line
from app.training.steps import Parameters, Step, flat, look, loss_at, squared_error
from tests.training.looking import digits, network_of, state, step_of, unchanged

RATE = 0.1


@dataclass(frozen=True, kw_only=True)
class Bowl(Step):
    """A step on the loss ½·θᵀHθ, whose every landscape measure is known."""

    hessian: Tensor

    def at(self, parameters: Parameters) -> tuple[float, Parameters]:
        theta = parameters["0.weight"]
        return (0.5 * theta @ self.hessian @ theta).item(), {"0.weight": self.hessian @ theta}


@pytest.fixture
def bowl() -> Bowl:
    source = torch.Generator().manual_seed(1)
    root = torch.randn(6, 6, generator=source).double()
    hessian = root @ root.T
    theta = torch.randn(6, generator=source).double()
    return Bowl(
        network=nn.Sequential(),
        images=torch.zeros(0),
        labels=torch.zeros(0),
        learning_rate=RATE,
        parameters={"0.weight": theta},
        loss=(0.5 * theta @ hessian @ theta).item(),
        criterion=squared_error,
        outputs=torch.zeros(0),
        gradients={"0.weight": hessian @ theta},
        inputs=[],
        hessian=hessian,
    )


def test_on_a_quadratic_beta_is_the_length_of_hg_over_that_of_g(bowl: Bowl) -> None:
    g = bowl.gradients["0.weight"]
    expected = ((bowl.hessian @ g).norm() / g.norm()).item()
    assert along_gradient(bowl, None)["beta"] == pytest.approx(expected, rel=1e-6)


def test_on_a_quadratic_the_gradient_changes_in_proportion_to_the_distance(bowl: Bowl) -> None:
    g = bowl.gradients["0.weight"]
    beta = ((bowl.hessian @ g).norm() / g.norm()).item()
    found = over_distance(bowl, None)
    betas, changes, losses = (found[f"{name}_over_distance"] for name in ("beta", "change", "loss"))
    assert isinstance(betas, Line)
    assert isinstance(changes, Line)
    assert isinstance(losses, Line)
    distances = [RATE * 2.0**exponent for exponent in range(-6, 7)]
    assert (betas.low, betas.high, len(betas.values)) == (-6, 6, 13)
    assert betas.values == pytest.approx([beta] * 13)
    assert changes.values == pytest.approx([beta * a for a in distances])
    assert losses.values == pytest.approx([bowl.at(bowl.moved(a))[0] for a in distances])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([0.1, 0.2, 0.6, 0.9], 2**0.75),  # three quarters of the way from place 0 to place 1
        ([0.1, 0.2, 0.3, 0.4], 2.0**2),  # never: the last place
        ([0.7, 0.1, 0.6, 0.9], 2.0**-1),  # at the first place already
        ([0.1, 0.5, 0.6, 0.9], 1.0),
        ([0.1, 0.2, math.nan, 0.3], 1.0),  # as far as it was finite
        ([0.1, math.inf, 0.2, 0.3], 2.0**-1),
    ],
)
def test_the_reach_is_where_half_of_the_gradient_has_changed(
    changes: list[float], expected: float
) -> None:
    assert 2 ** crossing([-1, 0, 1, 2], changes, 0.5) == pytest.approx(expected)


def test_on_a_quadratic_the_gradient_change_is_proportional_to_the_distance(bowl: Bowl) -> None:
    g = bowl.gradients["0.weight"]
    hg = (bowl.hessian @ g).norm().item()
    measured = along_gradient(bowl, None)
    assert measured["gradient_distance"] == pytest.approx(4 * RATE * hg, rel=1e-6)
    assert measured["gradient_distance_min"] == pytest.approx(0.5 * RATE * hg, rel=1e-6)
    assert measured["gradient_change"] == pytest.approx(4 * RATE * hg / g.norm().item(), rel=1e-6)


def test_on_a_quadratic_the_losses_are_those_against_the_gradient(bowl: Bowl) -> None:
    """L(θ − a·g); with the other sign they would be others."""
    theta, g = bowl.parameters["0.weight"], bowl.gradients["0.weight"]
    losses = [
        (0.5 * (theta - a * RATE * g) @ bowl.hessian @ (theta - a * RATE * g)).item()
        for a in (0.5, 1, 2, 4)
    ]
    measured = along_gradient(bowl, None)
    assert measured["loss_min"] == pytest.approx(min(losses), rel=1e-6)
    assert measured["loss_max"] == pytest.approx(max(losses), rel=1e-6)
    assert measured["loss_range"] == pytest.approx(max(losses) - min(losses), rel=1e-5)


def test_a_short_way_along_the_gradient_goes_downhill(dataset: Dataset) -> None:
    for norm in ("none", "batch"):
        step = step_of(deep(norm, 3), digits(dataset), learning_rate=1e-4)
        assert along_gradient(step, None)["loss_max"] < step.loss


def exact_beta(loss: Callable[[Tensor], Tensor], place: Tensor) -> float:
    """‖Hg‖/‖g‖ with the exact Hessian-vector product."""
    g = torch.autograd.grad(loss(movable := place.clone().requires_grad_()), movable)[0]
    _, hg = torch.autograd.functional.hvp(loss, place, g)  # type: ignore[no-untyped-call]
    return float(hg.norm() / g.norm())


@pytest.fixture
def smooth_step(dataset: Dataset) -> Step:
    """Of a small network without kinks or pooling, so that it has a Hessian everywhere."""
    first = [nn.Conv2d(1, 2, 5, stride=4), nn.BatchNorm2d(2), nn.Tanh()]
    upper = [nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2), nn.Tanh(), nn.Flatten(), nn.Linear(32, 10)]
    network = nn.Sequential(*first, *upper).double()
    source = torch.Generator().manual_seed(3)
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0, 0.5, generator=source)
    return look(network, digits(dataset), learning_rate=1e-6)


def test_beta_tends_to_that_of_the_exact_hessian(smooth_step: Step) -> None:
    step = smooth_step
    sizes = [value.numel() for value in step.parameters.values()]

    def loss(theta: Tensor) -> Tensor:
        parts = zip(step.parameters.items(), torch.split(theta, sizes), strict=True)
        parameters = {name: part.reshape(value.shape) for (name, value), part in parts}
        return loss_at(step.network, parameters, (step.images, step.labels))

    expected = exact_beta(loss, flat(step.parameters).detach())
    assert along_gradient(step, None)["beta"] == pytest.approx(expected, rel=1e-4)


def test_beta_of_the_activations_tends_to_that_of_the_exact_hessian(
    smooth_step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the loss, with the statistics of the layers above taken anew at each place."""
    step = smooth_step
    monkeypatch.setattr(landscape, "ACTIVATION_DISTANCES", (1e-4,))
    upper = step.network[3:]

    def loss(x: Tensor) -> Tensor:
        return F.cross_entropy(upper(x), step.labels)

    expected = exact_beta(loss, step.inputs[0])
    measured = along_activation_gradient(step, None)["beta_activation"]
    assert measured == pytest.approx(expected, rel=1e-4)


def test_beta_of_the_activations_is_the_greatest_of_the_distances_tried(dataset: Dataset) -> None:
    step = step_of(shallow("batch", "after_pooling", 1.0), digits(dataset))
    x, upper = step.inputs[0], step.network[4:]

    def gradient(at: Tensor) -> Tensor:
        movable = at.clone().requires_grad_()
        return torch.autograd.grad(F.cross_entropy(upper(movable), step.labels), movable)[0]

    g = gradient(x)
    betas = [(g - gradient(x - a * g)).norm() / (a * g.norm()) for a in (0.1, 0.2, 0.3, 0.4)]
    assert along_activation_gradient(step, None)["beta_activation"] == pytest.approx(
        max(betas).item(), rel=1e-6
    )


@pytest.mark.parametrize("measure", [along_gradient, along_activation_gradient])
@pytest.mark.parametrize("noise", [False, True])
def test_probing_leaves_no_trace(
    dataset: Dataset,
    measure: Callable[[Step, Step | None], Mapping[str, float]],
    noise: bool,
) -> None:
    step = step_of(shallow("batch", "after_pooling", 1.0, noise=noise), digits(dataset))
    before, gradients = state(step.network), flat(step.gradients).clone()
    random_state = torch.get_rng_state()
    first = measure(step, None)
    assert unchanged(step.network, before)
    assert torch.equal(flat(step.gradients), gradients)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert measure(step, None) == first


def test_a_loss_that_is_not_a_number_is_told_as_such(bowl: Bowl) -> None:
    lost = replace(bowl, hessian=bowl.hessian * math.nan)
    assert all(math.isnan(value) for value in along_gradient(lost, None).values())


def test_the_loss_change_is_between_successive_steps(bowl: Bowl) -> None:
    assert loss_change(bowl, None) == {}
    later = replace(bowl, loss=bowl.loss - 0.5)
    assert loss_change(later, bowl) == {"loss_change": pytest.approx(0.5)}
    assert loss_change(bowl, later) == {"loss_change": pytest.approx(0.5)}


@pytest.fixture(params=["none", "batch"])
def network(request: pytest.FixtureRequest) -> nn.Sequential:
    return network_of(shallow(request.param, "after_pooling", 1.0))


def test_the_middle_of_the_surface_is_the_network_itself(
    dataset: Dataset, network: nn.Sequential
) -> None:
    batch = digits(dataset)
    before = state(network)
    rows = list(surface(network, batch, seed=1, points=3))
    assert [y for y, _ in rows] == [-1, 0, 1]
    assert unchanged(network, before)
    here = F.cross_entropy(network(batch[0]), batch[1]).item()
    assert rows[1][1][1] == pytest.approx(here, rel=1e-9)
    around = [loss for y, row in rows for loss in row]
    assert len(set(around)) == 9
    assert list(surface(network, batch, seed=1, points=3)) == rows
    assert list(surface(network, batch, seed=2, points=3)) != rows


def test_the_directions_have_the_length_of_the_networks_own_filters(
    network: nn.Sequential,
) -> None:
    centre = {name: value.detach() for name, value in network.named_parameters()}
    direction = landscape.direction(centre, torch.Generator().manual_seed(1))
    assert list(direction) == list(centre)
    for name, value in centre.items():
        if value.dim() == 1:  # biases, γ and β
            assert not direction[name].any()
        else:
            torch.testing.assert_close(
                direction[name].flatten(1).norm(dim=1), value.flatten(1).norm(dim=1)
            )


def test_a_barrier_is_what_rises_above_the_higher_end() -> None:
    losses = [9.0] * 10 + [1.0] + [3.5] * 19 + [2.0] + [9.0] * 10
    between = Row("cnn", 1, 100, "line", -0.5, 1.5, losses)
    assert barrier(between) == 1.5
    downhill = Row("cnn", 1, 100, "line", -0.5, 1.5, [float(-k) for k in range(41)])
    assert barrier(downhill) == 0


def test_the_line_runs_from_one_network_to_the_other(dataset: Dataset) -> None:
    batch = digits(dataset)
    architecture = shallow("batch", "after_pooling", 1.0)
    one, other = (network_of(architecture, seed) for seed in (1, 2))
    nn.init.constant_(next(m for m in other if isinstance(m, nn.BatchNorm2d)).weight, 0.3)
    between = line(one, other, batch)
    losses = between.values
    assert (between.low, between.high, len(losses)) == (-0.5, 1.5, 41)
    ends = [F.cross_entropy(network(batch[0]), batch[1]).item() for network in (one, other)]
    # From −0.5 to 1.5 in steps of 0.05.
    assert [losses[10], losses[30]] == pytest.approx(ends, rel=1e-6)
    halfway = {
        name: (value + dict(other.named_parameters())[name]).detach() / 2
        for name, value in one.named_parameters()
    }
    assert losses[20] == pytest.approx(loss_at(one, halfway, batch).item(), rel=1e-6)


def test_with_running_averages_the_line_takes_them_along(dataset: Dataset) -> None:
    """At its ends it is each network as it is tested, halfway with the means of all numbers."""
    batch = digits(dataset)
    one, other = (network_of(shallow("batch", "after_pooling", 1.0), seed) for seed in (1, 2))
    for network in (one, other):
        for _ in range(5):
            network(batch[0])
    before = state(one)
    losses = line_with_running_averages(one, other, batch).values
    assert unchanged(one, before)
    middle = network_of(shallow("batch", "after_pooling", 1.0))
    middle.load_state_dict(
        {
            name: (value + other.state_dict()[name]) / 2 if value.is_floating_point() else value
            for name, value in one.state_dict().items()
        }
    )
    expected = [
        F.cross_entropy(network.eval()(batch[0]), batch[1]).item()
        for network in (one, middle, other)
    ]
    assert [losses[10], losses[20], losses[30]] == pytest.approx(expected, rel=1e-6)
