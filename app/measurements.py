"""What a run measured: one tidy table, its CSV, its digest, its last values."""

import csv
import hashlib
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.events import ArmEnded, Points, TrainingEvent

COLUMNS = ("arm", "seed", "step", "metric", "value")


@dataclass(frozen=True, slots=True)
class Provenance:
    """On what numbers were measured: `device` as torch names it, `hardware` in words."""

    device: str
    hardware: str
    versions: Mapping[str, str]


class Measurements:
    """The points of a run, in an order that does not depend on who trained what when."""

    def __init__(self, arms: Sequence[str]) -> None:
        self._arms = tuple(arms)
        self._points: dict[tuple[int, int], list[Points]] = {}
        self._ended: dict[tuple[int, int], ArmEnded] = {}

    def add(self, event: TrainingEvent) -> None:
        """Takes one event of one training; those of a training must come in their order."""
        key = (self._arms.index(event.arm), event.seed)
        if isinstance(event, Points):
            self._points.setdefault(key, []).append(event)
        else:
            self._ended[key] = event

    def final(self, arm: str, metric: str) -> dict[int, float]:
        """The last value of `metric` by seed, of the trainings of `arm` that ended."""
        index = self._arms.index(arm)
        return {
            seed: ended.summary[metric]
            for (which, seed), ended in sorted(self._ended.items())
            if which == index
        }

    def state(self, arm: str) -> str:
        """How the trainings of `arm` ended: "finished", or "2 of 5 diverged"."""
        index = self._arms.index(arm)
        states = [ended.state for (which, _), ended in self._ended.items() if which == index]
        diverged = states.count("diverged")
        return f"{diverged} of {len(states)} diverged" if diverged else "finished"

    def merged(self) -> Iterator[Points | ArmEnded]:
        """Each training's points as one event, then its end: what a recording keeps."""
        for key in sorted(self._points):
            parts = self._points[key]
            yield Points(
                arm=parts[0].arm,
                seed=parts[0].seed,
                step=[step for part in parts for step in part.step],
                values={
                    metric: [value for part in parts for value in part.values[metric]]
                    for metric in parts[0].values
                },
            )
            if key in self._ended:
                yield self._ended[key]

    def rows(self) -> Iterator[tuple[str, int, int, str, float]]:
        """(arm, seed, step, metric, value), sorted by arm as the experiment lists them."""
        for points in self.merged():
            if isinstance(points, Points):
                for index, step in enumerate(points.step):
                    for metric, values in points.values.items():
                        yield points.arm, points.seed, step, metric, values[index]

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
        return "sha256:" + hashlib.sha256(self.csv().encode()).hexdigest()
