import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import httpx
import pytest
from starlette.types import Message

from app.events import Done, Queued
from app.runs.event_log import EventLog
from app.web.event_stream import (
    HEARTBEAT_SECONDS,
    MAX_POLL_BYTES,
    MAX_STREAM_SECONDS,
    SEND_TIMEOUT_SECONDS,
    WATCHDOG_INTERVAL_SECONDS,
    EventStream,
    StreamRegistry,
    poll_response,
)
from tests.support.http_client import FinishedRun, json_body, next_event, post_run, stream_events
from tests.support.processes import TIMEOUT
from tests.support.sse import event_ids, event_names, parse_events


def test_the_last_id_may_stand_in_the_address(finished: FinishedRun) -> None:
    answer = finished.reader.get(f"{finished.path}/events?last_event_id=3")
    assert event_ids(parse_events(answer.content))[0] == 4


def test_the_header_comes_before_the_address(finished: FinishedRun) -> None:
    """A browser that resumes sends the header, and the address it had at first."""
    answer = finished.reader.get(
        f"{finished.path}/events?last_event_id=1", headers={"Last-Event-ID": "5"}
    )
    assert event_ids(parse_events(answer.content))[0] == 6


def test_a_stream_is_neither_cached_nor_held_back(finished: FinishedRun) -> None:
    answer = finished.reader.get(f"{finished.path}/events", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["cache-control"] == "no-store, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in answer.headers
    assert "content-length" not in answer.headers


def test_points_come_while_the_training_goes_on(reader: httpx.Client) -> None:
    created = json_body(post_run(reader, steps=400))
    with stream_events(reader, created["id"]) as events:
        first = next_event(events, "points")
        receipt = reader.get(f"/runs/{created['id']}", headers={"Accept": "application/json"})
        assert json_body(receipt)["state"] == "running"
        assert next_event(events, "points").id > first.id
        reader.delete(f"/runs/{created['id']}")
        assert next_event(events, "done").data["state"] == "stopped"
        assert list(events) == []  # the stream ends with it


class Turned(asyncio.SelectorEventLoop):
    """An event loop whose clock a test can put forward."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


class Reader:
    """The far end of a stream: takes bytes, or nothing, until it leaves."""

    def __init__(self, *, takes: bool = True) -> None:
        self.messages: list[Message] = []
        self.left = asyncio.Event()
        self._takes = takes
        self._news = asyncio.Event()

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        self._news.set()
        if not self._takes and message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def has(self, count: int) -> list[Message]:
        """All messages, once there are so many."""
        async with asyncio.timeout(TIMEOUT):
            while len(self.messages) < count:
                self._news.clear()
                await self._news.wait()
        return self.messages


def play(scenario: Callable[[Turned], Coroutine[Any, Any, None]]) -> None:
    loop = Turned()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(scenario(loop))


def open_stream(log: EventLog, reader: Reader, last_id: int = 0) -> asyncio.Task[None]:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    stream = EventStream(log, last_id, StreamRegistry(1))
    return asyncio.create_task(stream(scope, reader.receive, reader.send))


def begun() -> EventLog:
    log = EventLog()
    log.append(Queued(0, 0.0))
    return log


ALIVE = b'event: alive\ndata: {"last_id":1}\n\n'


def test_a_quiet_stream_says_that_it_is_alive_again_and_again() -> None:
    async def scenario(loop: Turned) -> None:
        reader = Reader()
        streaming = open_stream(begun(), reader)
        await reader.has(2)
        await anyio.wait_all_tasks_blocked()
        for messages in (3, 4):
            loop.ahead += HEARTBEAT_SECONDS + WATCHDOG_INTERVAL_SECONDS
            assert (await reader.has(messages))[-1]["body"] == ALIVE
            await anyio.wait_all_tasks_blocked()
        reader.left.set()
        await streaming

    play(scenario)


def test_a_stream_says_alive_at_least_every_10_seconds_and_not_while_it_has_events() -> None:
    assert HEARTBEAT_SECONDS + WATCHDOG_INTERVAL_SECONDS <= 10

    async def scenario(loop: Turned) -> None:
        log, reader = begun(), Reader()
        streaming = open_stream(log, reader)
        await reader.has(2)
        for more in range(5):
            await anyio.wait_all_tasks_blocked()
            loop.ahead += HEARTBEAT_SECONDS - 2 * WATCHDOG_INTERVAL_SECONDS
            log.append(Queued(0, 0.0))
            await reader.has(3 + more)
        assert all(b"alive" not in message["body"] for message in reader.messages[1:])
        reader.left.set()
        await streaming

    play(scenario)


def test_a_stream_without_news_says_alive_as_soon_as_it_is_open() -> None:
    """A page tells from it at once that nothing on the way holds the stream back."""

    async def scenario(_: Turned) -> None:
        reader = Reader()
        streaming = open_stream(begun(), reader, last_id=1)
        assert (await reader.has(2))[1]["body"] == ALIVE
        reader.left.set()
        await streaming

    play(scenario)


def test_a_poll_is_answered_at_once_with_what_the_stream_would_say(finished: FinishedRun) -> None:
    path = f"{finished.path}/events?last_event_id=3&wait=0"
    answer = finished.reader.get(path, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store, no-transform"
    polled = json_body(answer)
    assert polled["length"] == len(finished.events)
    assert polled["full"] is False
    told = [(event.id, event.name, event.data) for event in finished.events[3:]]
    assert [(it["id"], it["event"], it["data"]) for it in polled["events"]] == told


def test_a_poll_of_what_is_known_to_its_end_has_no_content(finished: FinishedRun) -> None:
    path = f"{finished.path}/events?last_event_id={len(finished.events)}&wait=0"
    assert finished.reader.get(path).status_code == 204


@pytest.mark.parametrize("wait", ["2", "-1", "", "true", "0 "])
def test_a_poll_waits_or_does_not(finished: FinishedRun, wait: str) -> None:
    assert finished.reader.get(f"{finished.path}/events?wait={wait}").status_code == 422


def test_a_long_log_is_polled_piece_by_piece() -> None:
    log = EventLog()
    for _ in range(5_000):
        log.append(Queued(0, 0.0))
    found: list[int] = []
    requests = 0
    while len(found) < len(log):
        body = bytes(poll_response(log, len(found), StreamRegistry(1)).body)
        assert len(body) < 2 * MAX_POLL_BYTES
        found += [event["id"] for event in json.loads(body)["events"]]
        requests += 1
    assert found == list(range(1, 5_001))
    assert requests > 1


def test_a_poll_of_an_event_that_is_too_long_has_it_all_the_same() -> None:
    log = EventLog()
    log.append(failed := Done("failed", 1.0, message="x" * 2 * MAX_POLL_BYTES))
    (event,) = json.loads(bytes(poll_response(log, 0, StreamRegistry(1)).body))["events"]
    assert event["data"]["message"] == failed.message


def test_a_poll_takes_no_seat_and_says_that_all_are_taken() -> None:
    streams = StreamRegistry(0)
    assert json.loads(bytes(poll_response(begun(), 0, streams).body))["full"] is True
    assert streams.opened_total == 0


def test_a_stream_is_over_when_its_reader_leaves() -> None:
    async def scenario(_: Turned) -> None:
        reader = Reader()
        streaming = open_stream(begun(), reader)
        await reader.has(2)
        reader.left.set()
        async with asyncio.timeout(TIMEOUT):
            await streaming

    play(scenario)


def test_a_stream_is_over_when_its_log_is() -> None:
    async def scenario(_: Turned) -> None:
        log, reader = begun(), Reader()
        streaming = open_stream(log, reader)
        await reader.has(2)
        log.append(Done("finished", 1.0))
        async with asyncio.timeout(TIMEOUT):
            await streaming
        assert not reader.messages[-1]["more_body"]
        body = b"".join(message["body"] for message in reader.messages[1:])
        assert event_names(parse_events(body)) == ["queued", "done"]

    play(scenario)


def test_a_reader_who_takes_nothing_is_cut_off() -> None:
    async def scenario(loop: Turned) -> None:
        reader = Reader(takes=False)
        streaming = open_stream(begun(), reader)
        await reader.has(2)
        await anyio.wait_all_tasks_blocked()
        loop.ahead += SEND_TIMEOUT_SECONDS + 1
        async with asyncio.timeout(TIMEOUT):
            await asyncio.gather(streaming, return_exceptions=True)
        assert len(reader.messages) == 2

    play(scenario)


def test_no_stream_lives_for_ever() -> None:
    async def scenario(loop: Turned) -> None:
        reader = Reader()
        streaming = open_stream(begun(), reader)
        await reader.has(2)
        await anyio.wait_all_tasks_blocked()
        loop.ahead += MAX_STREAM_SECONDS + 1
        async with asyncio.timeout(TIMEOUT):
            await streaming
        assert not reader.messages[-1]["more_body"]

    play(scenario)
