"""Recordings: finished runs that are stored with the article and shown before a reader trains."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.events import ArmEnded, Points, Row, TrainingEvent, to_payload
from app.measurements import Measurements
from app.resources import STATIC
from app.runs.run import Run

FOLDER = STATIC / "recordings"
# Recordings round to this many decimals, which is enough to draw; a live run's CSV is exact.
DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Recording:
    """The receipt and the events of a finished run."""

    receipt: Mapping[str, Any]
    points: Sequence[Points]
    rows: Sequence[Row]
    ends: Sequence[ArmEnded]

    @property
    def file_name(self) -> str:
        """The name of files about this run, without the extension."""
        return f"{self.receipt['slug']}-seed-{self.receipt['seed']}"

    def measurements(self, arms: Sequence[str]) -> Measurements:
        """The recorded events as measurements, rounded as they were recorded."""
        measurements = Measurements(arms)
        events: list[TrainingEvent] = [*self.points, *self.rows, *self.ends]
        for event in events:
            measurements.add(event)
        return measurements


def save(run: Run, folder: Path = FOLDER) -> Path:
    """Writes a finished run to `folder`/<slug>.json and returns the path."""
    events = [
        {"event": event.name, "data": _rounded(to_payload(event))}
        for event in run.measured.merged_events()
    ]
    path = folder / f"{run.experiment.slug}.json"
    text = json.dumps({"receipt": run.receipt(), "events": events}, indent=None, allow_nan=False)
    path.write_text(text.replace('{"event"', '\n{"event"') + "\n", encoding="utf-8", newline="\n")
    return path


def load(slug: str, folder: Path = FOLDER) -> Recording | None:
    """The recording of an experiment; None if there is none."""
    path = folder / f"{slug}.json"
    if not path.exists():
        return None
    document = json.loads(path.read_text(encoding="utf-8"))
    events = [(entry["event"], entry["data"]) for entry in document["events"]]
    return Recording(
        receipt=document["receipt"],
        points=[_points(**values) for name, values in events if name == Points.name],
        rows=[_row(**values) for name, values in events if name == Row.name],
        ends=[_arm_ended(**values) for name, values in events if name == ArmEnded.name],
    )


# Numbers that were not finite are `null` in the file, as on a stream.
def _points(*, values: Mapping[str, Sequence[float | None]], **others: Any) -> Points:
    return Points(values={metric: _floats(each) for metric, each in values.items()}, **others)


def _row(*, values: Sequence[float | None], **others: Any) -> Row:
    return Row(values=_floats(values), **others)


def _arm_ended(*, summary: Mapping[str, float | None], **others: Any) -> ArmEnded:
    return ArmEnded(summary=dict(zip(summary, _floats(summary.values()), strict=True)), **others)


def _floats(values: Iterable[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]


def _rounded(value: object) -> object:
    match value:
        case float():
            return round(value, DECIMALS)
        case dict():
            return {key: _rounded(item) for key, item in value.items()}
        case list():
            return [_rounded(item) for item in value]
        case _:
            return value
