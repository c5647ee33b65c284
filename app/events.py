"""The closed set of events: what a training says and what a stream carries.

A training yields `Points` and `Row`s and, last, one `ArmEnded`. A run's log adds the rest.
On the wire numbers that are not finite are `null` and `done` comes exactly once, last.
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
    """Place in the line: `position` runs are ahead, the start is `eta_s` seconds away."""

    name: ClassVar = "queued"
    position: int
    eta_s: float


@dataclass(frozen=True, slots=True)
class Started:
    """The first training of the run has a worker."""

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
        """The step of its last point."""
        return self.step[-1]


@dataclass(frozen=True, slots=True)
class Row:
    """`metric` at evenly spaced places from `low` to `high`, both included, at one step.

    A histogram (places are the middles of its bins), a profile along a line, or one row of a
    surface: then `y` is its second coordinate.
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
        """The step at which it was measured."""
        return self.step

    def places(self) -> list[float]:
        """Where each of `values` belongs, between `low` and `high`."""
        gaps = len(self.values) - 1
        return [self.low + (self.high - self.low) * k / gaps for k in range(gaps + 1)]


@dataclass(frozen=True, slots=True)
class ArmEnded:
    """One training is over; `summary` holds its last values. Divergence is a result, no error."""

    name: ClassVar = "arm"
    arm: str
    seed: int
    state: ArmState
    summary: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the run says about the article's claim; `holds` is None where it says nothing."""

    name: ClassVar = "verdict"
    holds: bool | None
    text: str
    evidence: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Done:
    """The run's end; when it failed, why, in a reader's words, and where to find it in the log."""

    name: ClassVar = "done"
    state: RunEnd
    elapsed_s: float
    code: FailureCode | None = None
    message: str | None = None
    reference: str | None = None


TrainingEvent: TypeAlias = Points | Row | ArmEnded
Event: TypeAlias = Queued | Started | Points | Row | ArmEnded | Verdict | Done


def data(event: Event) -> dict[str, object]:
    """The event's payload as plain values, ready for strict JSON: no NaN, no absent fields."""
    payload = {field.name: _finite(getattr(event, field.name)) for field in fields(event)}
    if isinstance(event, Done):
        return {key: value for key, value in payload.items() if value is not None}
    return payload


def encode(event: Event, event_id: int) -> bytes:
    """The event as it goes over the wire (WHATWG HTML, §9.2, server-sent events)."""
    payload = json.dumps(data(event), allow_nan=False, separators=(",", ":"))
    return f"id: {event_id}\nevent: {event.name}\ndata: {payload}\n\n".encode()


KINDS: dict[str, type[Event]] = {
    kind.name: kind for kind in (Queued, Started, Points, Row, ArmEnded, Verdict, Done)
}


def decode(entry: bytes) -> Event:
    """The event that `encode` made this of. What was not finite is NaN where numbers belong."""
    _, name, payload = entry.decode().rstrip("\n").split("\n")
    kind = KINDS[name.removeprefix("event: ")]
    values = json.loads(payload.removeprefix("data: "))
    for field in NUMBERS.get(kind, ()):
        values[field] = _numbers(values[field])
    return kind(**values)


# The fields whose numbers may be missing on the wire.
NUMBERS: dict[type[Event], tuple[str, ...]] = {
    Points: ("values",),
    Row: ("values",),
    ArmEnded: ("summary",),
    Verdict: ("evidence",),
}


def _numbers(value: object) -> object:
    match value:
        case None:
            return math.nan
        case dict():
            return {key: _numbers(item) for key, item in value.items()}
        case list():
            return [_numbers(item) for item in value]
        case _:
            return value


def _finite(value: object) -> object:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {key: _finite(item) for key, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case _:
            return value
