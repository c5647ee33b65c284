"""A real run kept with the article: drawn before anyone clicks."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.events import Points, Row, data
from app.run import Run

FOLDER = Path(__file__).parent.parent / "static" / "recordings"
# A figure is drawn with this many digits; the CSV of a live run has them all.
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Recording:
    """A finished run's receipt, and its events as a stream would carry them."""

    receipt: Mapping[str, Any]
    points: Sequence[Points]
    rows: Sequence[Row]


def save(run: Run, folder: Path = FOLDER) -> Path:
    """Writes a finished run to `folder`/<slug>.json and returns the path."""
    events = [
        {"event": event.name, "data": _rounded(data(event))} for event in run.measured.merged()
    ]
    path = folder / f"{run.experiment.slug}.json"
    text = json.dumps({"receipt": run.receipt(), "events": events}, indent=None, allow_nan=False)
    path.write_text(text.replace('{"event"', '\n{"event"') + "\n")
    return path


def load(slug: str, folder: Path = FOLDER) -> Recording | None:
    """The recording of that experiment; None where none was made yet."""
    path = folder / f"{slug}.json"
    if not path.exists():
        return None
    document = json.loads(path.read_text())
    events = [(entry["event"], entry["data"]) for entry in document["events"]]
    return Recording(
        receipt=document["receipt"],
        points=[Points(**values) for name, values in events if name == Points.name],
        rows=[Row(**values) for name, values in events if name == Row.name],
    )


def _rounded(value: object) -> object:
    match value:
        case float():
            return round(value, DIGITS)
        case dict():
            return {key: _rounded(item) for key, item in value.items()}
        case list():
            return [_rounded(item) for item in value]
        case _:
            return value
