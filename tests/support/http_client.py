"""What a browser or a script asks of the server."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.sse import Received, read_events, strict_json

RUNS = "/experiments/learning-rates/runs"


@dataclass(frozen=True)
class FinishedRun:
    """What was answered at its creation, what was streamed, and to whom."""

    created: dict[str, Any]
    events: list[Received]
    reader: httpx.Client

    @property
    def path(self) -> str:
        return f"/runs/{self.created['id']}"


def train(reader: httpx.Client, *, key: str | None = None, **values: object) -> httpx.Response:
    """Asks for a run, in JSON."""
    headers = {"Idempotency-Key": key} if key else {}
    return reader.post(RUNS, json=values, headers=headers)


def json_of(response: httpx.Response) -> Any:
    """The body of an answer that succeeded, as strict JSON."""
    assert response.is_success, f"{response.status_code}: {response.text}"
    return strict_json(response.content)


@contextmanager
def stream(
    reader: httpx.Client, run_id: str, last_event_id: int | None = None
) -> Iterator[Iterator[Received]]:
    """A run's events as they come."""
    headers = {} if last_event_id is None else {"Last-Event-ID": str(last_event_id)}
    with reader.stream("GET", f"/runs/{run_id}/events", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].partition(";")[0] == "text/event-stream"
        yield read_events(response.iter_lines())


def watch(reader: httpx.Client, run_id: str, last_event_id: int | None = None) -> list[Received]:
    """All events of a run behind the last one that is known, to the end of the stream."""
    with stream(reader, run_id, last_event_id) as events:
        return list(events)


def until(events: Iterator[Received], name: str) -> Received:
    """The next event of that name."""
    for event in events:
        if event.name == name:
            return event
    raise AssertionError(f"the stream ended without {name!r}")


def problem_of(response: httpx.Response, status: int) -> dict[str, Any]:
    """The body of a refusal, which is a problem document (RFC 9457) and gives nothing away."""
    assert response.status_code == status, f"{response.status_code}: {response.text}"
    assert response.headers["content-type"] == "application/problem+json"
    document = strict_json(response.content)
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    for secret in ("Traceback", ".py", "site-packages"):
        assert secret not in response.text
    return dict(document)


def fields_of(response: httpx.Response) -> dict[str, str]:
    """What a 422 says of each field."""
    return {error["field"]: error["message"] for error in problem_of(response, 422)["errors"]}
