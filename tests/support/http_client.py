"""Requests to the server's HTTP API, and checks of its responses."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.sse import SseEvent, read_events, strict_json

RUNS_PATH = "/experiments/learning-rates/runs"


@dataclass(frozen=True)
class FinishedRun:
    """A finished run: the response that created it, its events, and the client that owns it."""

    created: dict[str, Any]
    events: list[SseEvent]
    reader: httpx.Client

    @property
    def path(self) -> str:
        return f"/runs/{self.created['id']}"


def post_run(reader: httpx.Client, *, key: str | None = None, **values: object) -> httpx.Response:
    """Creates a run with a JSON request."""
    headers = {"Idempotency-Key": key} if key else {}
    return reader.post(RUNS_PATH, json=values, headers=headers)


def json_body(response: httpx.Response) -> Any:
    """Returns the JSON body of a successful response."""
    assert response.is_success, f"{response.status_code}: {response.text}"
    return strict_json(response.content)


@contextmanager
def stream_events(
    reader: httpx.Client, run_id: str, last_event_id: int | None = None
) -> Iterator[Iterator[SseEvent]]:
    """Opens a run's event stream and yields its events."""
    headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
    with reader.stream("GET", f"/runs/{run_id}/events", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].partition(";")[0] == "text/event-stream"
        yield read_events(response.iter_lines())


def read_stream(
    reader: httpx.Client, run_id: str, last_event_id: int | None = None
) -> list[SseEvent]:
    """Returns all events of a run after `last_event_id`, to the end of the stream."""
    with stream_events(reader, run_id, last_event_id) as events:
        return list(events)


def next_event(events: Iterator[SseEvent], name: str) -> SseEvent:
    """Returns the next event of that name."""
    for event in events:
        if event.name == name:
            return event
    raise AssertionError(f"the stream ended without {name!r}")


def problem_body(response: httpx.Response, status: int) -> dict[str, Any]:
    """Returns the body of an error, a problem document (RFC 9457) that reveals no internals."""
    assert response.status_code == status, f"{response.status_code}: {response.text}"
    assert response.headers["content-type"] == "application/problem+json"
    document = strict_json(response.content)
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    for secret in ("Traceback", ".py", "site-packages"):
        assert secret not in response.text
    return dict(document)


def field_errors(response: httpx.Response) -> dict[str, str]:
    """Returns the message for each invalid field of a 422."""
    return {error["field"]: error["message"] for error in problem_body(response, 422)["errors"]}
