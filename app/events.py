"""The closed set of events that trainings yield and streams carry.

A training yields `Points` and `Row`s and, last, one `ArmEnded`; a run's log adds the other events.
On a stream, numbers that are not finite are `null`, and `done` comes exactly once, last.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, Literal, TypeAlias

ArmState: TypeAlias = Literal["finished", "diverged"]
RunEnd: TypeAlias = Literal["finished", "stopped", "failed"]
FailureCode: TypeAlias = Literal["worker_lost", "deadline", "memory", "internal"]


@dataclass(frozen=True, slots=True)
class Queued:
    """The run waits: `position` runs are ahead of it, and it starts in about `eta_s` seconds."""

    name: ClassVar = "queued"
    position: int
    eta_s: float


@dataclass(frozen=True, slots=True)
class Started:
    """The first training of the run has started."""

    name: ClassVar = "started"
    run: str
    slug: str
    seed: int
    seeds: int
    arms: Sequence[str]
    steps: int
    device: str


@dataclass(frozen=True, slots=True)
class Points:
    """Consecutive points of one training; each list of `values` is as long as `step`."""

    name: ClassVar = "points"
    arm: str
    seed: int
    step: Sequence[int]
    values: Mapping[str, Sequence[float]]

    @property
    def latest_step(self) -> int:
        """The step of the last point."""
        return self.step[-1]


@dataclass(frozen=True, slots=True)
class Row:
    """Values of `metric` at one step, at evenly spaced positions from `low` to `high` inclusive.

    A row is a histogram (the positions are the centers of its bins), a profile along a line, or
    one row of a surface, whose second coordinate is `y`.
    """

    name: ClassVar = "row"
    arm: str
    seed: int
    step: int
    metric: str
    low: float
    high: float
    values: Sequence[float]
    y: float | None = None

    @property
    def latest_step(self) -> int:
        """The step of the measurement."""
        return self.step

    def positions(self) -> list[float]:
        """The position of each of `values`, from `low` to `high`."""
        gaps = len(self.values) - 1
        return [self.low + (self.high - self.low) * k / gaps for k in range(gaps + 1)]


@dataclass(frozen=True, slots=True)
class ArmEnded:
    """One training has ended, with its last values. Divergence is a result and no error."""

    name: ClassVar = "arm"
    arm: str
    seed: int
    state: ArmState
    summary: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the article's claim held in this run; `holds` is None if that can't be judged."""

    name: ClassVar = "verdict"
    holds: bool | None
    text: str
    evidence: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Done:
    """The run has ended. A failure has a code, a message for readers, and a log reference."""

    name: ClassVar = "done"
    state: RunEnd
    elapsed_s: float
    code: FailureCode | None = None
    message: str | None = None
    reference: str | None = None


TrainingEvent: TypeAlias = Points | Row | ArmEnded
Event: TypeAlias = Queued | Started | Points | Row | ArmEnded | Verdict | Done


def to_payload(event: Event) -> dict[str, object]:
    """The event's fields as values for strict JSON: NaN is None, and `Done` omits None."""
    payload = {
        field.name: _non_finite_to_null(getattr(event, field.name)) for field in fields(event)
    }
    if isinstance(event, Done):
        return {key: value for key, value in payload.items() if value is not None}
    return payload


def encode(event: Event, event_id: int) -> bytes:
    """Encodes the event as a server-sent event (WHATWG HTML, §9.2)."""
    payload = json.dumps(to_payload(event), allow_nan=False, separators=(",", ":"))
    return f"id: {event_id}\nevent: {event.name}\ndata: {payload}\n\n".encode()


EVENT_TYPES: dict[str, type[Event]] = {
    kind.name: kind for kind in (Queued, Started, Points, Row, ArmEnded, Verdict, Done)
}


def decode(entry: bytes) -> Event:
    """Decodes what `encode` returned. Numbers that were not finite become NaN."""
    _, name, payload = entry.decode().rstrip("\n").split("\n")
    kind = EVENT_TYPES[name.removeprefix("event: ")]
    values = json.loads(payload.removeprefix("data: "))
    for field in NULLABLE_NUMBERS.get(kind, ()):
        values[field] = _null_to_nan(values[field])
    return kind(**values)


# The fields whose numbers may be `null` on a stream.
NULLABLE_NUMBERS: dict[type[Event], tuple[str, ...]] = {
    Points: ("values",),
    Row: ("values",),
    ArmEnded: ("summary",),
    Verdict: ("evidence",),
}


def _null_to_nan(value: object) -> object:
    match value:
        case None:
            return math.nan
        case dict():
            return {key: _null_to_nan(item) for key, item in value.items()}
        case list():
            return [_null_to_nan(item) for item in value]
        case _:
            return value


def _non_finite_to_null(value: object) -> object:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {key: _non_finite_to_null(item) for key, item in value.items()}
        case list() | tuple():
            return [_non_finite_to_null(item) for item in value]
        case _:
            return value
