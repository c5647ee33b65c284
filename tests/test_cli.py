import csv
import hashlib
import io
import os
import re
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from app import settings
from app.__main__ import main
from app.cli import record
from app.experiments import EXPERIMENTS
from app.experiments.catalogue.survival import SURVIVAL
from app.reproducibility import recorded_sweeps, recordings
from tests.conftest import terminal
from tests.support.processes import ROOT, TIMEOUT, read_until, running_command
from tests.support.sse import strict_json

TRAIN = ["train", "learning-rates"]
SHORT = ["--set", "steps=10"]


def test_list_shows_experiments_with_parameters_and_metrics(
    in_terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_terminal.setenv("COLUMNS", "200")
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    for word in ("learning-rates", "bn@0.5", "test_accuracy", "dead_units", "gamma0", "0.01 … 2"):
        assert word in shown
    assert "before_relu | after_pooling" in shown


def test_the_same_command_gives_the_same_numbers(
    in_terminal: pytest.MonkeyPatch,
    terminal_csv: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    again = tmp_path / "again.csv"
    assert main([*TRAIN, "--seed", "7", *SHORT, "--csv", str(again), "--json"]) == 0
    assert again.read_bytes() == terminal_csv.read_bytes()

    receipt = strict_json(capsys.readouterr().out)
    assert receipt["digest"] == f"sha256:{hashlib.sha256(again.read_bytes()).hexdigest()}"
    assert (receipt["slug"], receipt["seed"], receipt["seeds"]) == ("learning-rates", 7, 1)
    assert receipt["parameters"]["steps"] == 10
    assert receipt["state"] == "finished"
    assert receipt["verdict"]


@dataclass(frozen=True)
class Shown:
    """What one command wrote."""

    out: str
    err: str
    csv: Path


@pytest.fixture(scope="module")
def two_seeds(cache_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Seeds 7 and 8, with γ starting higher than usual."""
    path = tmp_path_factory.mktemp("seeds") / "two.csv"
    arguments = ["--seed", "7", "--seeds", "2", *SHORT, "--set", "gamma0=0.5", "--csv", str(path)]
    out, err = io.StringIO(), io.StringIO()
    with terminal(cache_dir), redirect_stdout(out), redirect_stderr(err):
        assert main([*TRAIN, *arguments]) == 0
    return Shown(out.getvalue(), err.getvalue(), path)


def values_in(path: Path) -> dict[tuple[str, ...], str]:
    """By arm, seed, step and metric."""
    _, *rows = csv.reader(path.read_text().splitlines())
    return {tuple(key): value for *key, value in rows}


def test_seeds_and_parameters_count(two_seeds: Shown, terminal_csv: Path) -> None:
    ours, theirs = values_in(two_seeds.csv), values_in(terminal_csv)
    assert {seed for _, seed, *_ in ours} == {"7", "8"}
    of_seed_7 = {key: value for key, value in ours.items() if key[1] == "7"}
    assert set(of_seed_7) == set(theirs)
    changed = {key[0] for key, value in of_seed_7.items() if theirs[key] != value}
    assert changed == {"bn@0.1", "bn@0.5"}  # a plain network has no γ


def test_the_summary_and_the_verdict_go_to_stdout_and_the_progress_to_stderr(
    two_seeds: Shown,
) -> None:
    assert "8 trainings" in two_seeds.err
    assert "trainings" not in two_seeds.out
    arms = r" +┃ ".join(("cnn@0.1", "bn@0.1", "cnn@0.5", "bn@0.5"))
    assert re.search(rf"┃ {arms}", two_seeds.out)
    assert re.search(r"state +│ finished +│ finished +│ finished +│ finished", two_seeds.out)
    assert re.search(r"Test accuracy( +│ 0?\.\d+){4}", two_seeds.out)
    assert "of 2 seeds" in " ".join(two_seeds.out.split())
    digest = hashlib.sha256(two_seeds.csv.read_bytes()).hexdigest()
    assert f"digest sha256:{digest}" in two_seeds.out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--seed", "-1"], "seed: should be a whole number from 0 to 4294967295"),
        (["--seed", "abc"], "seed: should be a whole number from 0 to 4294967295"),
        (["--seed", ""], "seed: should be a whole number from 0 to 4294967295"),
        (["--seeds", "100000"], "seeds: should be a whole number from 1 to 10"),
        (["--set", "steps=9"], "steps: should be a whole number from 10 to 400"),
        (["--set", "momentum=0.9"], "momentum: is not a parameter"),
        (["--set", "steps"], "steps: should have the form NAME=VALUE"),
        (["--seeds", "10", "--set", "steps=400"], "seeds: should be at most 5"),
        (["--csv", "no/such/folder/a.csv"], "csv: there is no folder"),
        (["--csv", "."], "csv:"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    in_terminal: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    named: str,
) -> None:
    assert main([*TRAIN, *SHORT[: 0 if "steps" in str(arguments) else 2], *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert named in line


def test_an_unknown_experiment_is_one_line_that_lists_those_there_are(
    in_terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "no-such"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no-such" in line
    assert "learning-rates" in line


def test_a_bad_setting_is_one_line(
    in_terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_terminal.setenv("BATCHNORM_WORKERS", "0")
    assert main(TRAIN) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("BATCHNORM_WORKERS: ")


def test_altered_data_is_one_line_with_the_file_and_its_folder(
    in_terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], broken_data: Path
) -> None:
    in_terminal.setenv("BATCHNORM_DATA_DIR", str(broken_data))
    assert main(TRAIN) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "t10k-labels-idx1-ubyte.gz" in line
    assert str(broken_data) in line


def test_altered_data_is_one_line_with_workers_too(broken_data: Path, cache_dir: Path) -> None:
    settings = {"data_dir": broken_data, "cache_dir": cache_dir, "workers": 1}
    with running_command(*TRAIN, **settings) as process:
        _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert said.count("t10k-labels") == 1
    assert "Traceback" not in said


def test_a_run_that_fails_says_why_and_keeps_what_it_measured(
    in_terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    in_terminal.setenv("BATCHNORM_DEADLINE_SECONDS", "0.000001")
    kept = tmp_path / "kept.csv"
    assert main([*TRAIN, "--csv", str(kept)]) == 1
    assert "(deadline)" in capsys.readouterr().out
    assert len(kept.read_text().splitlines()) > 1


def test_control_c_ends_with_130_and_keeps_what_was_measured(
    cache_dir: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.csv"
    arguments = [*TRAIN, "--seed", "7", "--set", "steps=400", "--csv", str(kept)]
    with running_command(*arguments, cache_dir=cache_dir, device="cpu", workers=1) as process:
        read_until(process, r"step [1-9]\d* of")
        process.send_signal(signal.SIGINT)
        shown, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    assert "stopped" in shown
    assert "Traceback" not in said
    rows = list(csv.DictReader(kept.read_text().splitlines()))
    assert {row["arm"] for row in rows} <= {"cnn@0.1", "bn@0.1", "cnn@0.5", "bn@0.5"}
    assert 0 < max(int(row["step"]) for row in rows) < 400


def test_control_c_while_it_warms_up_ends_with_130_and_no_traceback(cache_dir: Path) -> None:
    with running_command(*TRAIN, cache_dir=cache_dir, device="cpu", workers=1) as process:
        read_until(process, "warming up")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in said


def test_training_in_a_terminal_needs_no_web(cache_dir: Path) -> None:
    script = (
        "import sys; from app.__main__ import main; main(['train', 'no-such']); "
        "print(*(name for name in ('fastapi', 'uvicorn', 'torch') if name in sys.modules))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
    )
    assert ended.stdout.strip() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_csv_that_can_not_be_written_costs_no_summary(
    in_terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TRAIN, *SHORT, "--seed", "5", "--csv", "/dev/full"]) == 1
    shown = capsys.readouterr()
    assert "digest sha256:" in shown.out
    assert "repeat: python -m app train learning-rates --seed 5" in shown.err


@pytest.mark.long
def test_a_recording_comes_with_a_run_for_each_cell_of_its_sweep(
    in_terminal: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert SURVIVAL.sweep is not None
    small = replace(SURVIVAL, sweep=replace(SURVIVAL.sweep, values=(0.03, 0.1), seeds=1))
    in_terminal.setitem(EXPERIMENTS, "survival", small)
    assert record(settings.load(), ["survival"], tmp_path) == 0
    kept, swept = recordings.load("survival", tmp_path), recorded_sweeps.load("survival", tmp_path)
    assert kept is not None
    assert swept is not None
    assert kept.receipt["parameters"]["learning_rate"] == 0.5
    assert set(swept.ends) == {(rate, 1, arm) for rate in (0.03, 0.1) for arm in ("cnn", "bn")}
    final = {end.summary["test_accuracy"] for end in swept.ends.values()}
    assert len(final) == 4  # four networks, each with a number of its own
    assert str(tmp_path / "survival.sweep.json") in capsys.readouterr().out
