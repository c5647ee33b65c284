"""What a run measured: one tidy table, its CSV, its digest, its last values."""

import csv
import hashlib
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.events import ArmEnded, Points, Row, TrainingEvent

COLUMNS = ("arm", "seed", "step", "metric", "value")


@dataclass(frozen=True, slots=True)
class Provenance:
    """On what numbers were measured: `device` as torch names it, `hardware` in words.

    `instruction_set`: the vector instructions in use; empty in what was kept before that was known.
    """

    device: str
    hardware: str
    versions: Mapping[str, str]
    instruction_set: str = ""


class Measurements:
    """The points of a run, in an order that does not depend on who trained what when."""

    def __init__(self, arms: Sequence[str]) -> None:
        self._arms = tuple(arms)
        self._points: dict[tuple[int, int], list[Points]] = {}
        self._rows: dict[tuple[int, int], list[Row]] = {}
        self._ended: dict[tuple[int, int], ArmEnded] = {}
        self._digest: str | None = None  # of what there is now; all who open a run ask for it

    def add(self, event: TrainingEvent) -> None:
        """Takes one event of one training; those of a training must come in their order."""
        key = (self._arms.index(event.arm), event.seed)
        self._digest = None
        match event:
            case Points():
                self._points.setdefault(key, []).append(event)
            case Row():
                self._rows.setdefault(key, []).append(event)
            case ArmEnded():
                self._ended[key] = event

    def include(self, other: "Measurements") -> None:
        """Takes in another run of the same arms; a training that both have is the other's."""
        assert self._arms == other._arms
        self._digest = None
        self._points |= other._points
        self._rows |= other._rows
        self._ended |= other._ended

    def final(self, arm: str, metric: str) -> dict[int, float]:
        """The last value of `metric` by seed, of the trainings of `arm` that ended and have one."""
        index = self._arms.index(arm)
        return {
            seed: ended.summary[metric]
            for (which, seed), ended in sorted(self._ended.items())
            if which == index and metric in ended.summary
        }

    def end(self, arm: str, seed: int) -> ArmEnded:
        """How that training ended, which it must have."""
        return self._ended[self._arms.index(arm), seed]

    def state(self, arm: str) -> str:
        """How the trainings of `arm` ended: "finished", or "2 of 5 diverged"."""
        diverged, trainings = self.diverged(arm)
        return f"{diverged} of {trainings} diverged" if diverged else "finished"

    def diverged(self, arm: str) -> tuple[int, int]:
        """How many trainings of `arm` diverged, and how many ended."""
        index = self._arms.index(arm)
        states = [ended.state for (which, _), ended in self._ended.items() if which == index]
        return states.count("diverged"), len(states)

    def over_steps(self, arm: str, metric: str) -> dict[int, list[float]]:
        """All values of `metric` by seed, step after step, of the trainings of `arm` that ended."""
        index = self._arms.index(arm)
        return {
            seed: [
                value for part in self._points[which, seed] for value in part.values.get(metric, ())
            ]
            for which, seed in sorted(self._ended)
            if which == index
        }

    def merged(self) -> Iterator[TrainingEvent]:
        """Each training's points as few events, its rows, its end: what a recording keeps."""
        for key in sorted(self._points):
            yield from _joined(self._points[key])
            yield from self._rows.get(key, ())
            if key in self._ended:
                yield self._ended[key]

    def rows(self) -> Iterator[tuple[str, int, int, str, float]]:
        """(arm, seed, step, metric, value), sorted by arm as the experiment lists them.

        A value with a place carries it in its metric's name: `inputs[0.5]`, `surface[-1,0.5]`.
        """
        for event in self.merged():
            if isinstance(event, Points):
                for index, step in enumerate(event.step):
                    for metric, values in event.values.items():
                        yield event.arm, event.seed, step, metric, values[index]
            elif isinstance(event, Row):
                for place, value in zip(event.places(), event.values, strict=True):
                    at = f"{place:.6g}" if event.y is None else f"{place:.6g},{event.y:.6g}"
                    yield event.arm, event.seed, event.step, f"{event.metric}[{at}]", value

    def csv(self) -> str:
        """The rows as CSV under a header line; a value that is not finite is left empty."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for *where, value in self.rows():
            writer.writerow([*where, repr(value) if math.isfinite(value) else ""])
        return text.getvalue()

    def digest(self) -> str:
        """SHA-256 of the CSV: the same for everyone who measured the same numbers."""
        if self._digest is None:
            self._digest = "sha256:" + hashlib.sha256(self.csv().encode()).hexdigest()
        return self._digest


def _joined(parts: Sequence[Points]) -> Iterator[Points]:
    """One event for each set of metrics that are measured at the same steps."""
    together: dict[tuple[str, ...], list[Points]] = {}
    for part in parts:
        together.setdefault(tuple(part.values), []).append(part)
    for metrics, alike in together.items():
        yield Points(
            arm=alike[0].arm,
            seed=alike[0].seed,
            step=[step for part in alike for step in part.step],
            values={
                metric: [value for part in alike for value in part.values[metric]]
                for metric in metrics
            },
        )
