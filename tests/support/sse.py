"""Parses server-sent events."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn


@dataclass(frozen=True)
class SseEvent:
    """A server-sent event with its data parsed."""

    id: int
    name: str
    data: dict[str, Any]


def _reject_constant(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")


def strict_json(text: str | bytes) -> Any:
    """Parses JSON; rejects NaN and Infinity, which Python would accept."""
    return json.loads(text, parse_constant=_reject_constant)


def read_events(lines: Iterable[str]) -> Iterator[SseEvent]:
    """Yields the events from the lines of a stream, without comments and `alive` events."""
    fields: dict[str, str] = {}
    for line in lines:
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            assert name not in fields, f"{name} twice in one event"
            fields[name] = value
        elif fields.get("event") == "alive":
            assert list(fields) == ["event", "data"]
            assert strict_json(fields["data"]).keys() == {"last_id"}
            fields = {}
        elif fields:
            assert list(fields) == ["id", "event", "data"]
            yield SseEvent(int(fields["id"]), fields["event"], strict_json(fields["data"]))
            fields = {}


def parse_events(stream: bytes) -> list[SseEvent]:
    """Returns all events in a part of a stream."""
    return list(read_events(stream.decode().split("\n")))


def event_ids(events: Sequence[SseEvent]) -> list[int]:
    """Returns the events' ids."""
    return [event.id for event in events]


def event_names(events: Sequence[SseEvent]) -> list[str]:
    """Returns the events' names."""
    return [event.name for event in events]
