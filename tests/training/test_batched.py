"""Side by side the trainings are what they are alone.

In double precision: in single, a rounding that differs grows from step to step where the rate is
high, and after some of them two true curves would have little in common.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from app.events import ArmEnded, Points, TrainingEvent
from app.experiments.architectures import Norm, shallow
from app.experiments.definition import TrainingSpec
from app.training import batches
from app.training.batched import train_together
from app.training.datasets import Dataset
from app.training.loop import train
from app.training.steps import Batch
from app.training.trainer import Trainer


def in_double(images: Tensor, labels: Tensor, device: str) -> Batch:
    scaled = images.to(device).double().div_(255)
    return scaled.contiguous(memory_format=torch.channels_last), labels.to(device)


@pytest.fixture(params=["cpu", "cuda"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One of each kind, in double precision; that there is no GPU is said."""
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    monkeypatch.setattr(batches, "_prepare", in_double)
    torch.set_default_dtype(torch.float64)
    yield str(request.param)
    torch.set_default_dtype(torch.float32)


def alike(spec: TrainingSpec, norm: Norm, rates: Sequence[float]) -> list[TrainingSpec]:
    """Two seeds at each of these rates."""
    short = replace(spec, steps=5, architecture=shallow(norm, "after_pooling", 0.1))
    return [
        replace(short, arm=f"at {rate}", seed=seed, learning_rate=rate)
        for rate in rates
        for seed in (3, 4)
    ]


def beside(members: Sequence[TrainingSpec]) -> TrainingSpec:
    return replace(members[0], beside=tuple(members[1:]), batched=True)


def told_of(
    member: TrainingSpec, events: Sequence[TrainingEvent]
) -> dict[int | str, Mapping[str, float]]:
    """The values of one training at each step, and with the word for its end."""
    told: dict[int | str, Mapping[str, float]] = {}
    for event in events:
        if (event.arm, event.seed) == (member.arm, member.seed):
            if isinstance(event, Points):
                told[event.step[-1]] = {name: values[-1] for name, values in event.values.items()}
            elif isinstance(event, ArmEnded):
                told[event.state] = event.summary
    return told


def assert_as_alone(
    members: Sequence[TrainingSpec], events: Sequence[TrainingEvent], dataset: Dataset, device: str
) -> None:
    for member in members:
        alone = told_of(member, list(train(member, dataset, device)))
        here = told_of(member, events)
        assert list(here) == list(alone) == [0, 2, 4, 5, "finished"]
        for at, values in alone.items():
            assert here[at] == pytest.approx(values, rel=1e-9)


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_each_has_the_curve_that_it_has_alone(
    device: str, norm: Norm, specs: dict[str, TrainingSpec], dataset: Dataset
) -> None:
    members = alike(specs["bn@0.5"], norm, (0.1, 0.5))
    events = list(train_together(beside(members), dataset, device))
    assert_as_alone(members, events, dataset, device)


def test_who_diverged_says_no_more_and_the_others_go_on(
    device: str, specs: dict[str, TrainingSpec], dataset: Dataset
) -> None:
    wild, *others = members = alike(specs["cnn@0.1"], "none", (1e6, 0.1))[1:]
    events = list(train_together(beside(members), dataset, device))
    assert list(told_of(wild, events)) == [0, 2, "diverged"]
    assert_as_alone(others, events, dataset, device)


def test_where_all_diverged_nothing_more_is_trained(
    device: str, specs: dict[str, TrainingSpec], dataset: Dataset
) -> None:
    members = alike(specs["cnn@0.1"], "none", (1e6,))
    events = list(train_together(beside(members), dataset, device))
    assert [event.state for event in events if isinstance(event, ArmEnded)] == ["diverged"] * 2
    assert len(events) == 6


def test_twice_the_same_numbers(
    device: str, specs: dict[str, TrainingSpec], dataset: Dataset
) -> None:
    spec = beside(alike(specs["bn@0.1"], "batch", (0.5,)))
    once, again = (list(train_together(spec, dataset, device)) for _ in range(2))
    assert once == again


def test_a_trainer_trains_what_stands_beside(
    specs: dict[str, TrainingSpec], trainer: Trainer
) -> None:
    members = alike(specs["bn@0.1"], "batch", (0.1,))
    events = trainer.train(beside(members))
    assert {(event.arm, event.seed) for event in events} == {("at 0.1", 3), ("at 0.1", 4)}
