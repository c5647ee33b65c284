"""Where mini-batches come from, beyond the shuffled images that test_loop.py watches."""

from dataclasses import replace
from itertools import islice

import pytest
import torch
from torch import Tensor

from app.experiments.catalogue.deep_linear import DEEP_LINEAR
from app.experiments.definition import TrainingSpec
from app.training.batches import linear_map, training_batches
from app.training.datasets import Dataset


@pytest.fixture
def spec() -> TrainingSpec:
    return next(DEEP_LINEAR.trainings(DEEP_LINEAR.parse({"seed": 7})))


def first_batch(dataset: Dataset, spec: TrainingSpec) -> tuple[Tensor, Tensor]:
    return next(training_batches(dataset, spec, "cpu"))


def test_the_targets_are_one_linear_map_of_the_inputs(dataset: Dataset, spec: TrainingSpec) -> None:
    x, y = first_batch(dataset, spec)
    assert x.shape == y.shape == (1_000, 10)
    # A is what ten of the examples say, and the other 990 agree.
    found = torch.linalg.solve(x[:10].double(), y[:10].double()).T
    torch.testing.assert_close(y[10:].double(), x[10:].double() @ found.T, rtol=1e-3, atol=1e-3)


def test_the_map_and_the_inputs_are_from_a_standard_normal_distribution(
    dataset: Dataset, spec: TrainingSpec
) -> None:
    maps, inputs = [], []
    for seed in range(40):
        x, y = first_batch(dataset, replace(spec, seed=seed))
        maps.append(torch.linalg.lstsq(x.double(), y.double()).solution.T)
        inputs.append(x)
    for drawn, count in ((torch.stack(maps), 4_000), (torch.stack(inputs), 400_000)):
        assert drawn.numel() == count
        # Five standard errors.
        assert abs(drawn.mean().item()) < 5 / count**0.5
        assert drawn.std().item() == pytest.approx(1, abs=5 / (2 * count) ** 0.5)
    # They share no numbers: x's first hundred are not A's.
    assert not torch.allclose(maps[0].flatten().float(), inputs[0].flatten()[:100], atol=0.1)


def test_every_step_sees_the_same_examples(dataset: Dataset, spec: TrainingSpec) -> None:
    first, *others = islice(linear_map(dataset, spec, "cpu"), 4)
    for other in others:
        assert all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_the_seed_decides_the_map_and_the_inputs_and_the_arm_does_not(
    dataset: Dataset, spec: TrainingSpec
) -> None:
    ours = first_batch(dataset, spec)
    torch.manual_seed(1)  # nothing comes from the global state
    same = first_batch(dataset, replace(spec, arm="bn", learning_rate=1.0))
    another = first_batch(dataset, replace(spec, seed=8))
    assert all(torch.equal(a, b) for a, b in zip(ours, same, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(ours, another, strict=True))


def test_fewer_examples_are_asked_for_and_given(dataset: Dataset, spec: TrainingSpec) -> None:
    x, y = first_batch(dataset, replace(spec, batch_size=3))
    assert x.shape == y.shape == (3, 10)
