"""The claims table: all claims of the article, judged over many seeds, in Markdown."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.errors import FieldProblem, InvalidRequest
from app.experiments.claims import Claim, Relation
from app.experiments.definition import MAX_SEED, Experiment, RunRequest
from app.measurements import Measurements, Provenance

# The most seeds of one survey; for one figure they take two processors hours.
MAX_SEEDS = 1_000
CLAIMS_BLOCK = "claims"


def block_markers(name: str = CLAIMS_BLOCK) -> tuple[str, str]:
    """The lines that mark the start and the end of a table in a file."""
    return f"<!-- {name} -->", f"<!-- /{name} -->"


SIGNS: Mapping[Relation, str] = {"at_least": "≥", "above": ">", "below": "<", "within": "="}
COLUMNS = (
    *("figure", "claim", "judged by", "seeds", "held in", "95% interval"),
    *("median [10th–90th percentile]", "of the other", "verdict"),
)
# How sure an interval is of the share of seeds in which a claim holds.
CONFIDENCE = 0.95
READING = (
    "A claim *holds* if the exact 95% interval (Clopper and Pearson) for the share of seeds in "
    "which it held lies at or above what is needed, *fails* if it lies below, and is *undecided* "
    "otherwise: with twenty seeds and three of four needed, 19 have to hold. *Arithmetic* is what "
    "is true by construction: it checks the code and is no evidence. A claim that repeats another, "
    "of the same trainings, has no row. *Late* is the mean over the last fifth of the steps. Of "
    "twenty values, the 10th and the 90th percentile are about the 3rd and the 18th. An accuracy "
    "near 90% on 1,000 test images has a standard error of 0.9 points."
)


@dataclass(frozen=True, slots=True)
class Survey:
    """The trainings that judge the claims: the same seeds and settings for each experiment.

    `settings` maps parameters to texts from the command line; others have their defaults.
    """

    experiments: Sequence[Experiment]
    first_seed: int
    seeds: int
    settings: Mapping[str, object]

    def requests(self, experiment: Experiment) -> list[RunRequest]:
        """The requests for all seeds, in several runs if needed. Raises InvalidRequest."""
        if not self.settings.keys().isdisjoint(("seed", "seeds")):
            raise InvalidRequest([FieldProblem("set", "has no seeds: they have their own option")])
        settings = dict(self.settings)
        first = experiment.parse({**settings, "seed": self.first_seed}, text=True)
        size = max(1, experiment.most_seeds(first))
        end = self.first_seed + self.seeds
        return [
            experiment.parse({**settings, "seed": seed, "seeds": min(size, end - seed)}, text=True)
            for seed in range(self.first_seed, end, size)
        ]

    def command(self, everything: Sequence[Experiment]) -> str:
        """The command that repeats the survey; it names the figures unless all are included."""
        chosen = [experiment.slug for experiment in self.experiments]
        slugs = [] if chosen == [experiment.slug for experiment in everything] else chosen
        seeds = [f"--seed {self.first_seed}", f"--seeds {self.seeds}"]
        changed = [f"--set {name}={value}" for name, value in self.settings.items()]
        return " ".join(["python -m app claims", *slugs, *seeds, *changed])


def parse_survey(
    experiments: Sequence[Experiment], seed: str, seeds: str, settings: Mapping[str, object]
) -> Survey:
    """Parses a survey from a command line's texts. Raises InvalidRequest."""
    count = _parse_integer("seeds", seeds, 1, MAX_SEEDS)
    first = _parse_integer("seed", seed, 0, MAX_SEED + 1 - count)
    return Survey(experiments, first, count, settings)


def table_header(requested: Survey, command: str, provenance: Provenance) -> Iterator[str]:
    """The table's provenance (seeds, settings, hardware, versions, date) and its header lines."""
    last = requested.first_seed + requested.seeds - 1
    settings = ", ".join(f"{name} {value}" for name, value in requested.settings.items())
    versions = ", ".join(f"{name} {number}" for name, number in provenance.versions.items())
    yield (
        f"Seeds {requested.first_seed} to {last}, {settings or 'default settings'}; "
        f"{provenance.hardware} ({provenance.device}), {versions}; {datetime.now(UTC):%Y-%m-%d}. "
        f"Repeated by `{command}`."
    )
    yield ""
    yield READING
    yield ""
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" * len(COLUMNS) + "|"


def table_rows(experiment: Experiment, measured: Measurements, seeds: int) -> Iterator[str]:
    """The table's rows for one experiment, a row per claim; `seeds` is the number of seeds."""
    for claim in experiment.claims:
        if claim.weight == "repeated":
            continue
        outcomes = claim.outcomes(measured)
        low, high = interval(sum(outcomes), len(outcomes))
        held = f"{sum(outcomes)} of {len(outcomes)} ({claim.share:.0%} needed)"
        cells = (
            f"`{experiment.slug}`",
            claim.statement,
            describe_criterion(claim, experiment),
            str(seeds) if len(outcomes) == seeds else f"{len(outcomes)} of {seeds}",
            held,
            f"{100 * low:.0f}–{high:.0%}",
            _format_spread(claim, claim.arm, measured),
            _format_spread(claim, claim.other, measured) if claim.other else "",
            _verdict(claim, measured),
        )
        yield f"| {' | '.join(cells)} |"


def all_hold(experiment: Experiment, measured: Measurements) -> bool:
    """Whether each of its claims held in as many of these seeds as it needs.

    One that nothing was measured for did not.
    """
    return all(claim.holds(measured) for claim in experiment.claims)


def describe_criterion(claim: Claim, experiment: Experiment) -> str:
    """The claim's statistic and bound, such as "last test accuracy: `bn@0.5` ≥ 0.8"."""
    label = next(metric.label for metric in experiment.metrics if metric.id == claim.metric)
    against = f"{claim.bound:g}"
    if claim.other:
        factor = f"{claim.factor:g} × " if claim.factor != 1 else ""
        bound = f" {'−' if claim.bound < 0 else '+'} {abs(claim.bound):g}" if claim.bound else ""
        against = f"{factor}`{claim.other}`{bound}"
    if claim.relation == "within":
        against += f" ± {claim.tolerance:g}"
    sign = SIGNS[claim.relation]
    return f"{claim.statistic} {label[0].lower()}{label[1:]}: `{claim.arm}` {sign} {against}"


def interval(held: int, seeds: int) -> tuple[float, float]:
    """The exact interval of Clopper and Pearson 1934 for a share of which `held` of `seeds` held.

    At its ends, what was seen or more (or less) has half of what CONFIDENCE leaves as its
    probability. All shares are in it where there are no seeds.
    """
    rest = (1 - CONFIDENCE) / 2
    low = _root(lambda share: at_least(held, seeds, share) - rest) if held else 0.0
    high = _root(lambda share: rest - at_most(held, seeds, share)) if held < seeds else 1.0
    return low, high


def at_least(held: int, seeds: int, share: float) -> float:
    """The probability of `held` successes or more in `seeds` independent trials."""
    return 1 - at_most(held - 1, seeds, share)


def at_most(held: int, seeds: int, share: float) -> float:
    """The probability of `held` successes or fewer in `seeds` independent trials."""
    return math.fsum(
        math.comb(seeds, k) * share**k * (1 - share) ** (seeds - k) for k in range(held + 1)
    )


def _root(rising: Callable[[float], float]) -> float:
    """Where a rising function crosses 0 between 0 and 1, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile of `values` at `share`, by linear interpolation.

    `values` must not be empty; they may be infinite.
    """
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    # Interpolation between two infinite values would give NaN.
    return below if below == above else below + (place % 1) * (above - below)


def check_block(path: Path) -> None:
    """Checks that the file has the table's block. Raises InvalidRequest if it has not."""
    _split_at_block(path)


def replace_block(path: Path, table: str, name: str = CLAIMS_BLOCK) -> None:
    """Replaces the named block of a file by a table. Raises InvalidRequest or OSError."""
    before, after = _split_at_block(path, name)
    begin, end = block_markers(name)
    # A file with Windows line ends keeps them.
    line_end = "\r\n" if b"\r\n" in path.read_bytes() else "\n"
    text = f"{before}{begin}\n\n{table}\n\n{end}{after}"
    path.write_text(text, encoding="utf-8", newline=line_end)


def _split_at_block(path: Path, name: str = CLAIMS_BLOCK) -> tuple[str, str]:
    begin, end = block_markers(name)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise _invalid_file(f"can't read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _invalid_file(f"{path} is not a text") from None
    # A line that only mentions a marker is not a marker.
    begins, ends = (list(re.finditer(f"^{mark}$", text, re.MULTILINE)) for mark in (begin, end))
    if not (len(begins) == len(ends) == 1 and begins[0].end() < ends[0].start()):
        raise _invalid_file(f"{path} should have one line {begin} and below it one line {end}")
    return text[: begins[0].start()], text[ends[0].end() :]


def _invalid_file(problem: str) -> InvalidRequest:
    return InvalidRequest([FieldProblem("into", problem)])


def _parse_integer(field: str, text: str, low: int, high: int) -> int:
    short = text.isascii() and text.isdigit() and len(text) <= len(str(high))
    if not (short and low <= int(text) <= high):
        raise InvalidRequest(
            [FieldProblem(field, f"should be a whole number from {low} to {high}")]
        )
    return int(text)


def _format_spread(claim: Claim, arm: str, measured: Measurements) -> str:
    """Median and percentiles over the seeds, and the number of diverged trainings, if any."""
    values = list(claim.values(measured, arm).values())
    state = measured.end_state(arm)
    diverged = "" if state == "finished" else f", {state}"
    if not values:
        return f"not measured{diverged}"
    middle, low, high = (_format_number(quantile(values, share)) for share in (0.5, 0.1, 0.9))
    return f"{middle} [{low}–{high}]{diverged}"


def _verdict(claim: Claim, measured: Measurements) -> str:
    outcomes = claim.outcomes(measured)
    if not outcomes:
        return "**not judged**"
    if claim.weight == "arithmetic":
        return "arithmetic" if claim.holds(measured) else "**fails**"
    low, high = interval(sum(outcomes), len(outcomes))
    if low >= claim.share:
        return "holds"
    return "**fails**" if high < claim.share else "undecided"


def _format_number(value: float) -> str:
    return f"{value:#.3g}".removesuffix(".") if math.isfinite(value) else "∞"
