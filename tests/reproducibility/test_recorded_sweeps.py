from pathlib import Path

import pytest

from app.events import ArmEnded
from app.experiments import EXPERIMENTS
from app.experiments.catalogue.survival import SURVIVAL
from app.experiments.definition import Experiment
from app.reproducibility import recorded_sweeps
from app.runs.run import Run
from tests.support.sse import strict_json

SWEPT = [experiment for experiment in EXPERIMENTS.values() if experiment.sweep]


def run_of(rate: float, seed: int, ends: dict[str, ArmEnded]) -> Run:
    run = Run(SURVIVAL, SURVIVAL.parse({"seed": seed, "learning_rate": rate}), "reader")
    for end in ends.values():
        run.append(end)
    return run


def ended(arm: str, seed: int, accuracy: float) -> ArmEnded:
    """Of a training whose loss isn't finite where nothing was right."""
    if not accuracy:
        return ArmEnded(arm, seed, "diverged", {"test_accuracy": 0.1, "test_loss": float("inf")})
    return ArmEnded(arm, seed, "finished", {"test_accuracy": accuracy, "test_loss": 1 / 3})


def cells(rates: dict[float, float], seeds: int = 2) -> list[Run]:
    """A run a cell: BatchNorm's accuracy by rate, the plain network's half of it."""
    return [
        run_of(
            rate,
            seed,
            {"cnn": ended("cnn", seed, accuracy / 2), "bn": ended("bn", seed, accuracy)},
        )
        for rate, accuracy in rates.items()
        for seed in range(1, seeds + 1)
    ]


def test_a_sweep_comes_back_as_it_was_kept_to_the_last_digit(tmp_path: Path) -> None:
    command = "python -m app record survival"
    path = recorded_sweeps.save(cells({0.1: 2 / 3, 1.0: 0.0}), command, tmp_path)
    assert path == tmp_path / "survival.sweep.json"
    strict_json(path.read_text())
    loaded = recorded_sweeps.load("survival", tmp_path)
    assert loaded is not None
    assert len(loaded.ends) == 2 * 2 * 2
    assert loaded.ends[0.1, 2, "bn"] == ended("bn", 2, 2 / 3)
    assert loaded.ends[1.0, 1, "bn"].state == "diverged"
    assert loaded.receipt["command"] == "python -m app record survival"
    assert (loaded.receipt["parameter"], loaded.receipt["seed"]) == ("learning_rate", 1)
    assert "learning_rate" not in loaded.receipt["parameters"]


def test_an_experiment_without_maps_has_none(tmp_path: Path) -> None:
    assert recorded_sweeps.load("survival", tmp_path) is None


@pytest.mark.parametrize(
    ("asked", "covered"),
    [
        ({"seed": 1, "learning_rate": 0.1}, True),
        ({"seed": 3, "learning_rate": 0.1}, False),
        ({"seed": 1, "learning_rate": 0.11}, False),
        ({"seed": 1, "learning_rate": 0.1, "steps": 50}, False),
        ({"seed": 1, "learning_rate": 0.1, "seeds": 2}, False),
    ],
)
def test_a_request_is_a_cell_only_with_one_seed_and_all_settings_alike(
    tmp_path: Path, asked: dict[str, object], covered: bool
) -> None:
    recorded_sweeps.save(cells({0.1: 0.9}), "a command", tmp_path)
    loaded = recorded_sweeps.load("survival", tmp_path)
    assert loaded is not None
    assert loaded.covers(SURVIVAL, SURVIVAL.parse(asked)) is covered


@pytest.mark.parametrize("experiment", SWEPT, ids=lambda found: found.slug)
def test_the_maps_that_are_shipped_are_whole_and_of_the_defaults(experiment: Experiment) -> None:
    recorded, sweep = recorded_sweeps.load(experiment.slug), experiment.sweep
    assert recorded is not None
    assert sweep is not None
    requests = [experiment.parse(values) for values in sweep.asked(recorded.receipt["seed"])]
    assert all(recorded.covers(experiment, request) for request in requests)
    assert set(recorded.ends) == {
        (request.parameters()[sweep.parameter], request.seed, arm.id)
        for request in requests
        for arm in experiment.arms
    }
    assert recorded.receipt["seeds"] == sweep.seeds
    assert recorded.receipt["versions"]["torch"]
