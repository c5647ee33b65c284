import csv
import re
import signal
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest

from app.__main__ import main
from app.errors import InvalidRequest
from app.events import ArmEnded, ArmState, Points
from app.experiments import EXPERIMENTS
from app.experiments.catalogue.smoothness import SMOOTHNESS
from app.experiments.definition import Experiment
from app.measurements import Measurements
from app.reproducibility import claims_table
from tests.conftest import terminal
from tests.support.fakes import FAKE
from tests.support.processes import ROOT, TIMEOUT, read_until, running_command

SHORT = ["--set", "steps=10"]
SHALLOW = [*SHORT, "--set", "depth=2"]
BEGIN, END = claims_table.block_markers()
MARKED = f"Before, with {END}.\n{BEGIN}\nold\n{END}\nAfter.\n"


def table_in(text: str) -> list[dict[str, str]]:
    """The rows of a Markdown table by its column heads."""
    head, line, *rows = [
        [cell.strip() for cell in line[1:-1].split(" |")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    assert set("".join(line)) <= {"-", "|"}
    return [dict(zip(head, row, strict=True)) for row in rows]


def spread(values: Sequence[float]) -> str:
    """What a cell should say of them, by NumPy, which goes linearly from value to value."""
    middle, low, high = np.quantile(values, [0.5, 0.1, 0.9], method="linear")
    return f"{middle:#.3g} [{low:#.3g}–{high:#.3g}]"


def measured_as(ended: ArmState = "finished", /, **accuracies: Sequence[float]) -> Measurements:
    """Measurements of the toy's arms, whose seeds 1, 2, … had these accuracies at their end.

    With "diverged", the last one of each arm did.
    """
    measured = Measurements([arm.id for arm in FAKE.arms])
    for arm, values in accuracies.items():
        for seed, value in enumerate(values, start=1):
            state: ArmState = ended if seed == len(values) else "finished"
            measured.add(Points(arm, seed, [0, 10], {"test_accuracy": [0.25, value]}))
            measured.add(ArmEnded(arm, seed, state, {"test_accuracy": value}))
    return measured


def claiming(**changed: object) -> Experiment:
    """The toy experiment with its claim changed."""
    (claim,) = FAKE.claims
    return replace(FAKE, claims=(replace(claim, **changed),))  # type: ignore[arg-type]


def cells_of(experiment: Experiment, measured: Measurements, seeds: int) -> list[str]:
    (row,) = claims_table.table_rows(experiment, measured, seeds)
    return [cell.strip() for cell in row[1:-1].split(" |")]


A = [0.91, 0.2, 0.55, 0.5, 0.73, 0.64, 0.31]
B = [0.9, 0.3, 0.5, 0.55, 0.7, 0.6, 0.3]


def test_the_numbers_are_those_computed_by_hand() -> None:
    measured = measured_as(a=A, b=B)
    cells = cells_of(claiming(share=0.7), measured, 7)
    assert cells == [
        *("`toy`", "It ends above a half.", "last test accuracy: `a` ≥ 0.5", "7"),
        *("5 of 7 (70% needed)", "29–96%", spread(A), "", "undecided"),
    ]
    assert spread(A) == "0.550 [0.266–0.802]"


def test_a_paired_claim_shows_both_arms_and_counts_pairs() -> None:
    # By seed, a − b: .01, −.1, .05, −.05, .03, .04, .01
    paired = claiming(other="b", relation="above", bound=0, share=0.8)
    cells = cells_of(paired, measured_as(a=A, b=B), 7)
    assert cells[3:] == ["7", "5 of 7 (80% needed)", "29–96%", spread(A), spread(B), "undecided"]
    assert not claims_table.all_hold(paired, measured_as(a=A, b=B))


@pytest.mark.parametrize(
    ("held", "seeds", "low", "high"),
    # Tables of the exact interval; the ends for none and all have a formula: ½·0.05 = (1 − p)^n.
    [
        (0, 20, 0.0, 1 - 0.025 ** (1 / 20)),
        (20, 20, 0.025 ** (1 / 20), 1.0),
        (15, 20, 0.5090, 0.9134),
        (16, 20, 0.5634, 0.9427),
        (19, 20, 0.7513, 0.9987),
        (1, 10, 0.0025, 0.4450),
        (0, 0, 0.0, 1.0),
    ],
)
def test_the_interval_is_the_exact_one(held: int, seeds: int, low: float, high: float) -> None:
    assert claims_table.interval(held, seeds) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("held", "verdict"),
    [(20, "holds"), (19, "holds"), (18, "undecided"), (11, "undecided"), (9, "**fails**")],
)
def test_the_verdict_asks_for_the_whole_interval(held: int, verdict: str) -> None:
    accuracies = [0.9] * held + [0.1] * (20 - held)
    assert cells_of(claiming(share=0.75), measured_as(a=accuracies), 20)[-1] == verdict


def test_what_is_true_by_construction_is_marked() -> None:
    arithmetic = claiming(weight="arithmetic")
    assert cells_of(arithmetic, measured_as(a=[0.9] * 3), 3)[-1] == "arithmetic"
    assert cells_of(arithmetic, measured_as(a=[0.9, 0.1]), 2)[-1] == "**fails**"


def test_what_another_claim_says_already_has_no_row() -> None:
    assert list(claims_table.table_rows(claiming(weight="repeated"), measured_as(a=[0.9]), 1)) == []


def test_a_mean_over_the_steps_is_taken_before_the_median_over_the_seeds() -> None:
    cells = cells_of(claiming(statistic="mean"), measured_as(a=A), 7)
    assert cells[6] == spread([(0.25 + value) / 2 for value in A])


@pytest.mark.parametrize("count", [1, 2, 3, 10, 11, 20])
@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 1])
def test_a_quantile_is_numpys(count: int, share: float) -> None:
    values = np.random.default_rng(count).normal(size=count).tolist()
    expected = np.quantile(values, share, method="linear")
    assert claims_table.quantile(values, share) == pytest.approx(expected, rel=1e-12)


def test_a_quantile_among_infinite_values_is_a_number_or_infinite() -> None:
    assert claims_table.quantile([1, 2, inf], 0.5) == 2
    assert claims_table.quantile([1, 2, inf], 0.9) == inf
    assert claims_table.quantile([1, inf, inf], 0.9) == inf


def test_a_training_that_diverged_is_counted_and_shown() -> None:
    cells = cells_of(FAKE, measured_as("diverged", a=[0.9, 0.8, nan]), 3)
    assert cells[3:7] == [
        "3",
        "3 of 3 (100% needed)",
        "29–100%",
        "0.900 [0.820–∞], 1 of 3 diverged",
    ]


def test_a_seed_without_a_value_is_not_passed_over_in_silence() -> None:
    measured = measured_as(a=[0.9, 0.8])
    measured.add(Points("a", 3, [0], {"test_loss": [nan]}))
    measured.add(ArmEnded("a", 3, "diverged", {"test_loss": nan}))
    assert cells_of(FAKE, measured, 3)[3:7] == [
        *("2 of 3", "2 of 2 (100% needed)", "16–100%", "0.850 [0.810–0.890], 1 of 3 diverged"),
    ]


def test_a_claim_that_nothing_was_measured_for_is_not_judged_and_does_not_hold() -> None:
    unmeasured = claiming(metric="test_accuracy", arm="b")
    measured = measured_as(a=[0.9])
    assert cells_of(unmeasured, measured, 1)[3:] == [
        *("0 of 1", "0 of 0 (100% needed)", "0–100%", "not measured", "", "**not judged**"),
    ]
    assert not claims_table.all_hold(unmeasured, measured)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "last test accuracy: `a` ≥ 0.5"),
        ({"relation": "below", "statistic": "mean"}, "mean test accuracy: `a` < 0.5"),
        ({"other": "b", "bound": -0.01}, "last test accuracy: `a` ≥ `b` − 0.01"),
        ({"other": "b", "bound": 0.2, "relation": "above"}, "last test accuracy: `a` > `b` + 0.2"),
        ({"relation": "within", "tolerance": 0.1}, "last test accuracy: `a` = 0.5 ± 0.1"),
        ({"other": "b", "bound": 0, "factor": 10}, "last test accuracy: `a` ≥ 10 × `b`"),
    ],
)
def test_the_bound_is_told_in_words(changed: dict[str, object], words: str) -> None:
    experiment = claiming(**changed)
    assert claims_table.describe_criterion(experiment.claims[0], experiment) == words


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda found: found.slug)
def test_every_claim_of_the_article_has_its_criterion(experiment: Experiment) -> None:
    for claim in experiment.claims:
        assert f"`{claim.arm}`" in claims_table.describe_criterion(claim, experiment)
        assert "|" not in claim.statement


def test_as_many_runs_as_it_takes_cover_each_seed_once() -> None:
    asked = claims_table.parse_survey([SMOOTHNESS], "2000", "25", {"steps": "400"})
    requests = asked.requests(SMOOTHNESS)
    seeds = [seed for r in requests for seed in range(r.seed, r.seed + r.seeds)]
    assert seeds == list(range(2000, 2025))
    assert len(requests) > 3
    assert {request.steps for request in requests} == {400}


@pytest.fixture(scope="module")
def points(cache_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """What `train` says of three seeds of a shallow network."""
    path = tmp_path_factory.mktemp("points") / "points.csv"
    arguments = ["--seed", "5", "--seeds", "3", *SHALLOW, "--csv", str(path)]
    with terminal(cache_dir):
        assert main(["train", "smoothness", *arguments]) == 0
    return list(csv.DictReader(path.read_text().splitlines()))


def means_of(points: Sequence[dict[str, str]], arm: str, metric: str) -> list[float]:
    """Seed by seed, over the steps."""
    values = defaultdict(list)
    for row in points:
        if (row["arm"], row["metric"]) == (arm, metric):
            values[row["seed"]].append(float(row["value"]))
    return [float(np.mean(of_seed)) for of_seed in values.values()]


def test_the_table_says_what_the_csv_of_the_same_run_says(
    in_terminal: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    points: list[dict[str, str]],
    tmp_path: Path,
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(MARKED)
    arguments = ["--seed", "5", "--seeds", "3", *SHALLOW, "--into", str(readme)]
    code = main(["claims", "smoothness", *arguments])
    shown = capsys.readouterr()
    rows = table_in(shown.out)
    assert len(rows) == len(SMOOTHNESS.claims)
    enough = []
    for row, claim in zip(rows, SMOOTHNESS.claims, strict=True):
        plain, bn = (means_of(points, arm, claim.metric) for arm in ("cnn", "bn"))
        assert len(plain) == len(bn) == 3
        held = sum(ours < theirs for ours, theirs in zip(bn, plain, strict=True))
        assert row["seeds"] == "3"
        assert row["held in"] == f"{held} of 3 (75% needed)"
        assert row["median [10th–90th percentile]"] == spread(bn)
        assert row["of the other"] == spread(plain)
        assert row["verdict"] == ("undecided" if held else "**fails**")  # 0 to 71% with none of 3
        enough.append(held >= 0.75 * 3)
    assert code == (0 if all(enough) else 1)
    assert "6 trainings" in shown.err

    first, *_ = shown.out.splitlines()
    assert first.startswith("Seeds 5 to 7, steps 10, depth 2; ")
    assert re.search(r"\(cpu\), batchnorm .*, python .*, torch .*; \d{4}-\d\d-\d\d\.", first)
    repeat = "python -m app claims smoothness --seed 5 --seeds 3 --set steps=10 --set depth=2"
    assert f"`{repeat}`" in first
    assert readme.read_text() == (f"Before, with {END}.\n{BEGIN}\n\n{shown.out}\n{END}\nAfter.\n")


def test_a_claim_that_fails_is_shown_and_is_exit_code_1(
    in_terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody reaches 80% in ten steps."""
    assert main(["claims", "learning-rates", "--seed", "5", "--seeds", "3", *SHORT]) == 1
    reaches, stays, _ = table_in(capsys.readouterr().out)
    assert (reaches["verdict"], reaches["held in"]) == ("**fails**", "0 of 3 (75% needed)")
    assert (stays["held in"], stays["of the other"]) == ("3 of 3 (75% needed)", "")


def test_claims_that_held_often_enough_are_exit_code_0(
    in_terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--seed", "6", "--seeds", "1", "--set", "steps=20", "--set", "resolution=5"]
    assert main(["claims", "loss-surface", *arguments]) == 0
    (row,) = table_in(capsys.readouterr().out)
    assert (row["verdict"], row["held in"]) == ("undecided", "1 of 1 (75% needed)")


def test_the_command_names_the_figures_unless_they_are_all() -> None:
    every = list(EXPERIMENTS.values())
    everything = claims_table.parse_survey(every, "2000", "20", {})
    assert everything.command(every) == "python -m app claims --seed 2000 --seeds 20"
    one = claims_table.parse_survey(every[:1], "2000", "20", {})
    assert one.command(every) == "python -m app claims learning-rates --seed 2000 --seeds 20"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["no-such"], "no experiment 'no-such'"),
        (["--seed", "-1"], "seed: should be a whole number from 0 to 4294967276"),
        (["--seed", "4294967277"], "seed: should be a whole number from 0 to 4294967276"),
        (["--seed", "1" * 5000], "seed: should be a whole number"),
        (["--seeds", "0"], "seeds: should be a whole number from 1 to 1000"),
        (["--seeds", "1001"], "seeds: should be a whole number from 1 to 1000"),
        (["--seeds", ""], "seeds: should be a whole number from 1 to 1000"),
        (["--set", "steps=9"], "steps: should be a whole number from 10 to 400"),
        (["--set", "depth=2"], "depth: is not a parameter of this experiment"),
        (["--set", "seeds=2"], "set: has no seeds"),
        (["--into", "no-such.md"], "into: can't read no-such.md: "),
        (["--into", "app"], "into: can't read app: "),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2_before_anything_is_trained(
    in_terminal: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    named: str,
) -> None:
    in_terminal.chdir(ROOT)
    assert main(["claims", *arguments]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert named in line


@pytest.mark.parametrize(
    "content",
    [
        b"No marks.",
        f"{BEGIN}\nand no end".encode(),
        f"{END}\n{BEGIN}\n".encode(),
        (MARKED + MARKED).encode(),
        MARKED.encode() + b"\xff",
    ],
)
def test_a_file_without_its_two_marks_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=r"^into: "):
        claims_table.check_block(path)
    with pytest.raises(InvalidRequest, match=r"^into: "):
        claims_table.replace_block(path, "table")
    assert path.read_bytes() == content


def test_the_documentation_has_a_place_for_the_table() -> None:
    claims_table.check_block(ROOT / "docs" / "claims.md")


def test_a_run_that_fails_says_why_and_leaves_the_file_as_it_is(
    in_terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    in_terminal.setenv("BATCHNORM_DEADLINE_SECONDS", "0.000001")
    readme = tmp_path / "README.md"
    readme.write_text(MARKED)
    assert main(["claims", "--into", str(readme)]) == 1
    shown = capsys.readouterr()
    assert "learning-rates: the run failed." in shown.err
    assert "(deadline)" in shown.err
    assert shown.out == ""
    assert readme.read_text() == MARKED


def test_control_c_ends_with_130_and_leaves_the_file_as_it_is(
    cache_dir: Path, tmp_path: Path
) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(MARKED)
    settings = {"cache_dir": cache_dir, "device": "cpu", "workers": 1}
    with running_command("claims", "--into", str(readme), **settings) as process:
        read_until(process, r"step [1-9]\d* of")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert readme.read_text() == MARKED


def test_a_table_of_another_name_has_marks_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"{MARKED}<!-- speed -->\n<!-- /speed -->\n")
    claims_table.replace_block(file, "| 1 |", "speed")
    assert file.read_text() == f"{MARKED}<!-- speed -->\n\n| 1 |\n\n<!-- /speed -->\n"
