"""What comes over a stream, read back."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn


@dataclass(frozen=True)
class Received:
    """One event as a browser gets it."""

    id: int
    name: str
    data: dict[str, Any]


def _refuse(constant: str) -> NoReturn:
    raise AssertionError(f"{constant} is not JSON")


def strict_json(text: str | bytes) -> Any:
    """The value of a JSON text; NaN and Infinity, which Python would take, are refused."""
    return json.loads(text, parse_constant=_refuse)


def read_events(lines: Iterable[str]) -> Iterator[Received]:
    """Events from the lines of a stream, as they come; comments and `alive` are skipped."""
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
            yield Received(int(fields["id"]), fields["event"], strict_json(fields["data"]))
            fields = {}


def events_in(stream: bytes) -> list[Received]:
    """All events of a piece of a stream."""
    return list(read_events(stream.decode().split("\n")))


def ids(events: Sequence[Received]) -> list[int]:
    """Their ids."""
    return [event.id for event in events]


def names(events: Sequence[Received]) -> list[str]:
    """Their names."""
    return [event.name for event in events]
