"""What learns learns, and what doesn't stays as it was, bit for bit."""

from dataclasses import replace
from itertools import islice

import pytest
from torch import Tensor, nn

from app.experiments.architectures import (
    Architecture,
    deep,
    dense,
    linear_chain,
    parameter_count,
    shallow,
)
from app.experiments.architectures import ReLU as Rectifier
from app.experiments.catalogue.gamma_beta import GAMMA_BETA
from app.experiments.definition import TrainingSpec
from app.training.batches import training_batches
from app.training.datasets import Dataset
from app.training.landscape import along_gradient
from app.training.networks import build, freeze
from app.training.steps import learning, look, update

SPECS = {spec.arm: spec for spec in GAMMA_BETA.trainings(GAMMA_BETA.parse({"seed": 3, "depth": 3}))}
every_arm = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)


def network_of(spec: TrainingSpec) -> nn.Sequential:
    network = build(spec.architecture, spec.seed, spec.input_shape)
    freeze(network, spec.trained)
    return network


def learns(spec: TrainingSpec, module: nn.Module, *, last: bool) -> bool:
    """Said again, in other words than those of the code."""
    match spec.trained:
        case "norms":
            return type(module) is nn.BatchNorm2d
        case "output":
            return last
        case _:
            return True


def parameters(network: nn.Sequential) -> dict[str, Tensor]:
    return {name: p.detach().clone() for name, p in network.named_parameters()}


@every_arm
def test_what_learns_moves_and_the_rest_stays_bit_for_bit(
    dataset: Dataset, spec: TrainingSpec
) -> None:
    network = network_of(spec)
    before = parameters(network)
    for batch in islice(training_batches(dataset, spec, "cpu"), 3):
        update(look(network, batch, spec.learning_rate))
    after = parameters(network)
    for index, module in enumerate(network):
        for name, _ in module.named_parameters():
            key, last = f"{index}.{name}", index == len(network) - 1
            # Compared bit for bit; a bias below BatchNorm has a gradient of rounding errors only.
            if learns(spec, module, last=last):
                below_norm = isinstance(module, nn.Conv2d) and name == "bias"
                assert below_norm or not before[key].equal(after[key]), key
            else:
                assert before[key].equal(after[key]), key


def test_all_arms_start_from_the_same_network() -> None:
    first, *others = (parameters(network_of(spec)) for spec in SPECS.values())
    for other in others:
        assert list(other) == list(first)
        assert all(other[name].equal(value) for name, value in first.items())


@every_arm
def test_the_gradient_of_a_part_is_that_part_of_the_whole_gradient(
    dataset: Dataset, spec: TrainingSpec
) -> None:
    batch = next(training_batches(dataset, spec, "cpu"))
    part = look(network_of(spec), batch, 0.1)
    whole = look(network_of(replace(spec, trained="all")), batch, 0.1)
    assert part.loss == whole.loss
    assert part.gradients
    for name, gradient in part.gradients.items():
        assert gradient.equal(whole.gradients[name])


@every_arm
def test_running_averages_follow_whatever_learns(dataset: Dataset, spec: TrainingSpec) -> None:
    network = network_of(spec)
    look(network, next(training_batches(dataset, spec, "cpu")), 0.1)
    norms = [module for module in network if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 3
    for norm in norms:
        assert norm.running_mean is not None
        assert norm.running_mean.any()


@every_arm
def test_the_landscape_is_measured_over_what_learns_alone(
    dataset: Dataset, spec: TrainingSpec
) -> None:
    network = network_of(spec)
    before = parameters(network)
    step = look(network, next(training_batches(dataset, spec, "cpu")), 0.1)
    assert set(step.moved(1.0)) == set(learning(network))
    assert along_gradient(step, None)["beta"] > 0
    assert all(value.equal(before[name]) for name, value in parameters(network).items())


@pytest.mark.parametrize("trained", ["all", "norms", "output"])
@pytest.mark.parametrize(
    ("architecture", "input_shape"),
    [
        (deep("batch", 6), (1, 28, 28)),
        (deep("none", 2), (1, 28, 28)),
        (shallow("l2", "after_pooling", 1.0), (1, 28, 28)),
        (shallow("group", "before_relu", 1.0), (1, 28, 28)),
        (dense("batch", (30, 20), Rectifier(), 1.0), (1, 28, 28)),
        (linear_chain("batch", 25, 10), (10,)),
    ],
)
def test_as_many_parameters_are_counted_as_learn(
    architecture: Architecture, input_shape: tuple[int, ...], trained: str
) -> None:
    network = build(architecture, 1, input_shape)
    freeze(network, trained)
    counted = parameter_count(architecture, input_shape, trained)
    assert counted == sum(p.numel() for p in learning(network).values())


def test_gamma_and_beta_are_two_for_each_channel() -> None:
    assert SPECS["norms"].architecture == deep("batch", 3, channels=16)
    assert parameter_count(deep("batch", 6), trained="norms") == 6 * 8 * 2
    assert parameter_count(deep("batch", 6), trained="output") == 8 * 7 * 7 * 10 + 10
