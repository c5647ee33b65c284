import json
from pathlib import Path

import pytest

from app.events import ArmEnded, Points, Verdict
from app.experiments import EXPERIMENTS
from app.experiments.catalogue.learning_rates import LEARNING_RATES
from app.experiments.definition import Experiment
from app.reproducibility import recordings
from app.runs.run import Run
from tests.support.sse import strict_json


def finished_run() -> Run:
    run = Run(LEARNING_RATES, LEARNING_RATES.parse({"seed": 1, "steps": 10}), "reader")
    for arm in LEARNING_RATES.arms:
        run.append(Points(arm.id, 1, [0], {"test_loss": [2.123456789]}))
        run.append(Points(arm.id, 1, [10], {"test_loss": [float("nan")]}))
        run.append(ArmEnded(arm.id, 1, "diverged", {"test_loss": float("nan")}))
    run.verdict = Verdict(True, "It holds.", {})
    return run


def test_a_recording_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    run = finished_run()
    path = recordings.save(run, tmp_path)
    assert path == tmp_path / "learning-rates.json"
    loaded = recordings.load("learning-rates", tmp_path)
    assert loaded is not None
    assert loaded.receipt == run.receipt()
    assert [points.arm for points in loaded.points] == [arm.id for arm in LEARNING_RATES.arms]
    assert list(loaded.points[0].step) == [0, 10]


def test_a_recording_is_strict_json_with_six_digits(tmp_path: Path) -> None:
    document = strict_json(recordings.save(finished_run(), tmp_path).read_text())
    assert document["events"][0]["data"]["values"] == {"test_loss": [2.123457, None]}


def test_an_experiment_without_a_recording_has_none(tmp_path: Path) -> None:
    assert recordings.load("learning-rates", tmp_path) is None


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda found: found.slug)
def test_the_recording_that_is_shipped_is_a_whole_run(experiment: Experiment) -> None:
    path = recordings.FOLDER / f"{experiment.slug}.json"
    document = json.loads(path.read_text())
    receipt = document["receipt"]
    assert receipt["state"] == "finished"
    assert receipt["verdict"]
    asked = {"seed": receipt["seed"], "seeds": receipt["seeds"], **receipt["parameters"]}
    specs = experiment.trainings(experiment.parse(asked))
    ends = {
        (e["data"]["arm"], e["data"]["seed"]) for e in document["events"] if e["event"] == "arm"
    }
    assert ends == {(spec.arm, spec.seed) for spec in specs}


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda found: found.slug)
def test_the_recorded_verdict_is_what_is_said_today_of_the_recorded_numbers(
    experiment: Experiment,
) -> None:
    recording = recordings.load(experiment.slug)
    assert recording is not None
    measured = recording.measurements([arm.id for arm in experiment.arms])
    assert recording.receipt["verdict"] == experiment.judge(measured).text
