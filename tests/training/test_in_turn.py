"""Trainings in turn are to the last bit what they are alone."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.events import ArmEnded, TrainingEvent
from app.experiments import EXPERIMENTS
from app.experiments.definition import TrainingSpec
from app.training.datasets import Dataset
from app.training.in_turn import train_in_turn
from app.training.loop import train
from app.training.trainer import Trainer


def grouped(members: Sequence[TrainingSpec]) -> TrainingSpec:
    return replace(members[0], beside=tuple(members[1:]))


def of(member: TrainingSpec, events: Sequence[TrainingEvent]) -> list[TrainingEvent]:
    return [event for event in events if (event.arm, event.seed) == (member.arm, member.seed)]


@pytest.mark.parametrize("slug", EXPERIMENTS)
def test_each_has_the_events_that_it_has_alone(slug: str, trainer: Trainer) -> None:
    experiment = EXPERIMENTS[slug]
    (spec,) = experiment.trainings(
        experiment.parse({"seed": 3, "steps": 10}), side_by_side="in_turn", slots=1
    )
    members = [
        replace(member, test_images=100, surface_points=min(spec.surface_points, 3))
        for member in spec.members
    ]
    events = list(trainer.train(grouped(members)))
    assert len(members) == len(experiment.arms)
    for member in members:
        # As text: what is not a number equals nothing, not even itself.
        assert repr(of(member, events)) == repr(list(trainer.train(member)))


def test_none_is_more_than_a_step_ahead(specs: dict[str, TrainingSpec], dataset: Dataset) -> None:
    group = grouped([replace(spec, evaluate_every=1) for spec in specs.values()])
    steps = dict.fromkeys(specs, 0)
    for event in train_in_turn(group, dataset):
        if not isinstance(event, ArmEnded):
            steps[event.arm] = event.latest_step
            assert max(steps.values()) - min(steps.values()) <= 1


def test_rows_of_a_surface_come_in_turn_too(
    specs: dict[str, TrainingSpec], dataset: Dataset
) -> None:
    arms = [
        replace(spec, surface_points=3, surface_images=20)
        for spec in (specs["cnn@0.1"], specs["bn@0.1"])
    ]
    rows = [event.arm for event in train_in_turn(grouped(arms), dataset) if event.name == "row"]
    assert rows == ["cnn@0.1", "bn@0.1"] * 4


def test_one_that_diverges_leaves_the_others_alone(
    specs: dict[str, TrainingSpec], dataset: Dataset
) -> None:
    wild = replace(specs["cnn@0.1"], arm="wild", learning_rate=1e6)
    events = list(train_in_turn(grouped([wild, specs["bn@0.1"]]), dataset))
    assert [event.state for event in events if isinstance(event, ArmEnded)] == [
        "diverged",
        "finished",
    ]
    assert of(specs["bn@0.1"], events) == list(train(specs["bn@0.1"], dataset))
