import math
import re
from dataclasses import fields

import pytest

from app.events import (
    EVENT_TYPES,
    ArmEnded,
    Done,
    Event,
    Points,
    Queued,
    Started,
    Verdict,
    encode,
    to_payload,
)
from tests.support.processes import ROOT
from tests.support.sse import parse_events

EVERY_EVENT: list[Event] = [
    Queued(2, 1.5),
    Started("r", "learning-rates", 7, 1, ["a", "b"], 100, "cpu"),
    Points("a", 7, [0, 2], {"loss": [2.5, 2.25]}),
    ArmEnded("a", 7, "diverged", {"loss": 2.25}),
    Verdict(None, "Nothing.", {"a loss": 2.25}),
    Done("failed", 1.25, "worker_lost", "It was lost.", "abcd"),
]


def test_an_event_is_an_id_a_name_and_one_line_of_data_on_the_wire() -> None:
    assert encode(Queued(2, 1.5), 4) == (
        b'id: 4\nevent: queued\ndata: {"position":2,"eta_s":1.5}\n\n'
    )


@pytest.mark.parametrize("event", EVERY_EVENT, ids=lambda event: event.name)
def test_every_event_comes_back_from_the_wire_as_it_went(event: Event) -> None:
    (received,) = parse_events(encode(event, 12))
    assert (received.id, received.name) == (12, event.name)
    assert received.data == to_payload(event)


def test_the_events_carry_the_fields_of_the_contract() -> None:
    assert {event.name: list(to_payload(event)) for event in EVERY_EVENT} == {
        "queued": ["position", "eta_s"],
        "started": ["run", "slug", "seed", "seeds", "arms", "steps", "device"],
        "points": ["arm", "seed", "step", "values"],
        "arm": ["arm", "seed", "state", "summary"],
        "verdict": ["holds", "text", "evidence"],
        "done": ["state", "elapsed_s", "code", "message", "reference"],
    }


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_null_wherever_it_stands(value: float) -> None:
    points = Points("a", 1, [0, 2], {"loss": [1.0, value]})
    ended = ArmEnded("a", 1, "diverged", {"loss": value, "accuracy": 0.1})
    received = parse_events(encode(points, 1) + encode(ended, 2))
    assert received[0].data["values"] == {"loss": [1.0, None]}
    assert received[1].data["summary"] == {"loss": None, "accuracy": 0.1}


def test_done_leaves_out_what_it_does_not_say() -> None:
    assert to_payload(Done("finished", 3.0)) == {"state": "finished", "elapsed_s": 3.0}


def test_a_verdict_that_says_nothing_says_null() -> None:
    assert to_payload(Verdict(None, "Nothing.", {}))["holds"] is None


def test_text_can_not_break_out_of_its_line() -> None:
    (received,) = parse_events(encode(Verdict(True, "one\n\nid: 9\r\nµ", {}), 1))
    assert received.id == 1
    assert received.data["text"] == "one\n\nid: 9\r\nµ"


def test_the_scripts_know_every_event_and_its_fields() -> None:
    script = (ROOT / "static" / "js" / "figure" / "run-events.js").read_text(encoding="utf-8")
    typed = re.findall(r"@typedef \{\{ (?!event)(.+) \}\} (\w+)$", script, re.MULTILINE)
    assert {
        kind.__name__: [field.name for field in fields(kind)] for kind in EVENT_TYPES.values()
    } == {name: re.findall(r"(?:^|, )(\w+)\??: ", members) for members, name in typed}
    assert dict(re.findall(r'event: "(\w+)", data: (\w+)', script)) == {
        name: kind.__name__ for name, kind in EVENT_TYPES.items()
    }
