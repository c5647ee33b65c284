"""The measurements of a run: a tidy table, its CSV, its digest and the last values."""

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
    """Where a run was measured: `device` is torch's name, `hardware` a description in words.

    `instruction_set` names the vector instructions in use; it is empty in old records.
    """

    device: str
    hardware: str
    versions: Mapping[str, str]
    instruction_set: str = ""


class Measurements:
    """The points of a run, in an order that does not depend on the order of the trainings."""

    def __init__(self, arms: Sequence[str]) -> None:
        self._arms = tuple(arms)
        self._points: dict[tuple[int, int], list[Points]] = {}
        self._rows: dict[tuple[int, int], list[Row]] = {}
        self._ended: dict[tuple[int, int], ArmEnded] = {}
        self._digest: str | None = None  # cached until the next event

    def add(self, event: TrainingEvent) -> None:
        """Adds an event. The events of one training must come in order."""
        key = (self._arms.index(event.arm), event.seed)
        self._digest = None
        match event:
            case Points():
                self._points.setdefault(key, []).append(event)
            case Row():
                self._rows.setdefault(key, []).append(event)
            case ArmEnded():
                self._ended[key] = event

    def merge(self, other: "Measurements") -> None:
        """Merges another run of the same arms; for a training in both, the other's values win."""
        assert self._arms == other._arms
        self._digest = None
        self._points |= other._points
        self._rows |= other._rows
        self._ended |= other._ended

    def final_values(self, arm: str, metric: str) -> dict[int, float]:
        """The last value of `metric` by seed, for the ended trainings of `arm` that have one."""
        index = self._arms.index(arm)
        return {
            seed: ended.summary[metric]
            for (which, seed), ended in sorted(self._ended.items())
            if which == index and metric in ended.summary
        }

    def end_event(self, arm: str, seed: int) -> ArmEnded:
        """The last event of a training, which must have ended."""
        return self._ended[self._arms.index(arm), seed]

    def end_state(self, arm: str) -> str:
        """How the trainings of `arm` ended: "finished", or "2 of 5 diverged"."""
        diverged, trainings = self.count_diverged(arm)
        return f"{diverged} of {trainings} diverged" if diverged else "finished"

    def count_diverged(self, arm: str) -> tuple[int, int]:
        """The number of trainings of `arm` that diverged, and of those that ended."""
        index = self._arms.index(arm)
        states = [ended.state for (which, _), ended in self._ended.items() if which == index]
        return states.count("diverged"), len(states)

    def series(self, arm: str, metric: str) -> dict[int, list[float]]:
        """All values of `metric` by seed, in order of steps, for the ended trainings of `arm`."""
        index = self._arms.index(arm)
        return {
            seed: [
                value for part in self._points[which, seed] for value in part.values.get(metric, ())
            ]
            for which, seed in sorted(self._ended)
            if which == index
        }

    def merged_events(self) -> Iterator[TrainingEvent]:
        """Yields each training's points in as few events as possible, its rows and its end."""
        for key in sorted(self._points):
            yield from _merge_points(self._points[key])
            yield from self._rows.get(key, ())
            if key in self._ended:
                yield self._ended[key]

    def rows(self) -> Iterator[tuple[str, int, int, str, float]]:
        """Yields (arm, seed, step, metric, value), with arms in the experiment's order.

        A value of a row has its position in the metric's name: `inputs[0.5]`, `surface[-1,0.5]`.
        """
        for event in self.merged_events():
            if isinstance(event, Points):
                for index, step in enumerate(event.step):
                    for metric, values in event.values.items():
                        yield event.arm, event.seed, step, metric, values[index]
            elif isinstance(event, Row):
                for place, value in zip(event.positions(), event.values, strict=True):
                    at = f"{place:.6g}" if event.y is None else f"{place:.6g},{event.y:.6g}"
                    yield event.arm, event.seed, event.step, f"{event.metric}[{at}]", value

    def csv(self) -> str:
        """The rows as CSV with a header; values that are not finite are empty."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for *where, value in self.rows():
            writer.writerow([*where, repr(value) if math.isfinite(value) else ""])
        return text.getvalue()

    def digest(self) -> str:
        """The SHA-256 of the CSV; equal measurements have equal digests."""
        if self._digest is None:
            self._digest = "sha256:" + hashlib.sha256(self.csv().encode()).hexdigest()
        return self._digest


def _merge_points(parts: Sequence[Points]) -> Iterator[Points]:
    """Merges points into one event for each set of metrics."""
    groups: dict[tuple[str, ...], list[Points]] = {}
    for part in parts:
        groups.setdefault(tuple(part.values), []).append(part)
    for metrics, group in groups.items():
        yield Points(
            arm=group[0].arm,
            seed=group[0].seed,
            step=[step for part in group for step in part.step],
            values={
                metric: [value for part in group for value in part.values[metric]]
                for metric in metrics
            },
        )
