import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from starlette.types import Message

from app.events import Done, Queued
from app.log import Log
from app.web.streams import LIFE_SECONDS, PING_SECONDS, SEND_SECONDS, EventStream, Traffic
from tests.processes import PATIENCE, Server
from tests.web.asking import FinishedRun, json_of, problem_of, stream, train, until, watch
from tests.web.conftest import NewReader
from tests.wire import events_in, ids, names


def test_a_reader_who_comes_back_gets_what_was_missed(finished: FinishedRun) -> None:
    last = len(finished.events)
    for known in (0, 1, 5, last - 1):
        rest = watch(finished.reader, finished.created["id"], known)
        assert ids(rest) == list(range(known + 1, last + 1))
        assert finished.events[:known] + rest == finished.events


def test_the_last_id_may_stand_in_the_address(finished: FinishedRun) -> None:
    answer = finished.reader.get(f"{finished.path}/events?last_event_id=3")
    assert ids(events_in(answer.content))[0] == 4


def test_the_header_comes_before_the_address(finished: FinishedRun) -> None:
    """A browser that resumes sends the header, and the address it had at first."""
    answer = finished.reader.get(
        f"{finished.path}/events?last_event_id=1", headers={"Last-Event-ID": "5"}
    )
    assert ids(events_in(answer.content))[0] == 6


def test_there_is_no_content_once_the_end_is_known(finished: FinishedRun) -> None:
    last = str(len(finished.events))
    answer = finished.reader.get(f"{finished.path}/events", headers={"Last-Event-ID": last})
    assert answer.status_code == 204
    assert answer.content == b""


@pytest.mark.parametrize(
    "last_id",
    ["abc", "-1", "1.5", "1e3", "+1", " 1", "0x1", "1_0", "9" * 30, "%00", "1%00", "%D9%A1", "%"],
)
def test_an_id_that_is_no_count_is_refused(finished: FinishedRun, last_id: str) -> None:
    problem_of(finished.reader.get(f"{finished.path}/events?last_event_id={last_id}"), 400)


@pytest.mark.parametrize("last_id", ["abc", "-1", "1.5", "9" * 30, "\u0661", "7 7"])
def test_a_header_that_is_no_count_is_refused(finished: FinishedRun, last_id: str) -> None:
    headers = {b"Last-Event-ID": last_id.encode()}
    problem_of(finished.reader.get(f"{finished.path}/events", headers=headers), 400)


def test_a_nul_in_the_header_is_refused(server: Server, finished: FinishedRun) -> None:
    """No client library would send it."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), PATIENCE) as connection:
        connection.sendall(
            f"GET {finished.path}/events HTTP/1.1\r\nHost: {address.netloc}\r\n"
            "Last-Event-ID: 1\0\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_an_id_that_is_yet_to_come_is_refused(finished: FinishedRun) -> None:
    too_far = str(len(finished.events) + 1)
    problem_of(
        finished.reader.get(f"{finished.path}/events", headers={"Last-Event-ID": too_far}), 400
    )


def test_a_stream_is_neither_cached_nor_held_back(finished: FinishedRun) -> None:
    answer = finished.reader.get(f"{finished.path}/events", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in answer.headers
    assert "content-length" not in answer.headers


def test_points_come_while_the_training_goes_on(reader: httpx.Client) -> None:
    created = json_of(train(reader, steps=400))
    with stream(reader, created["id"]) as events:
        first = until(events, "points")
        receipt = reader.get(f"/runs/{created['id']}", headers={"Accept": "application/json"})
        assert json_of(receipt)["state"] == "running"
        assert until(events, "points").id > first.id
        reader.delete(f"/runs/{created['id']}")
        assert until(events, "done").data["state"] == "stopped"
        assert list(events) == []  # the stream ends with it


def test_a_reload_in_mid_run_loses_and_doubles_nothing(new_reader: NewReader) -> None:
    owner, second = new_reader(), new_reader()
    run_id = json_of(train(owner, steps=20))["id"]
    seen = []
    with stream(owner, run_id) as events:
        for event in events:
            seen.append(event)
            if names(seen).count("points") == 3:
                break
    seen += watch(second, run_id, last_event_id=seen[-1].id)
    assert ids(seen) == list(range(1, len(seen) + 1))
    assert seen == watch(owner, run_id)


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
        async with asyncio.timeout(PATIENCE):
            while len(self.messages) < count:
                self._news.clear()
                await self._news.wait()
        return self.messages


def play(scenario: Callable[[Turned], Coroutine[Any, Any, None]]) -> None:
    loop = Turned()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(scenario(loop))


def open_stream(log: Log, reader: Reader) -> asyncio.Task[None]:
    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    return asyncio.create_task(EventStream(log, 0, Traffic())(scope, reader.receive, reader.send))


def begun() -> Log:
    log = Log()
    log.append(Queued(0, 0.0))
    return log


def test_a_quiet_stream_says_that_it_is_still_there() -> None:
    async def scenario(loop: Turned) -> None:
        reader = Reader()
        streaming = open_stream(begun(), reader)
        await reader.has(2)
        await anyio.wait_all_tasks_blocked()
        loop.ahead += PING_SECONDS + 1
        ping = (await reader.has(3))[2]["body"]
        assert ping.startswith(b":")
        assert events_in(ping) == []
        reader.left.set()
        await streaming

    play(scenario)


def test_a_stream_is_over_when_its_reader_leaves() -> None:
    async def scenario(_: Turned) -> None:
        reader = Reader()
        streaming = open_stream(begun(), reader)
        await reader.has(2)
        reader.left.set()
        async with asyncio.timeout(PATIENCE):
            await streaming

    play(scenario)


def test_a_stream_is_over_when_its_log_is() -> None:
    async def scenario(_: Turned) -> None:
        log, reader = begun(), Reader()
        streaming = open_stream(log, reader)
        await reader.has(2)
        log.append(Done("finished", 1.0))
        async with asyncio.timeout(PATIENCE):
            await streaming
        assert not reader.messages[-1]["more_body"]
        body = b"".join(message["body"] for message in reader.messages[1:])
        assert names(events_in(body)) == ["queued", "done"]

    play(scenario)


def test_a_reader_who_takes_nothing_is_cut_off() -> None:
    async def scenario(loop: Turned) -> None:
        reader = Reader(takes=False)
        streaming = open_stream(begun(), reader)
        await reader.has(2)
        await anyio.wait_all_tasks_blocked()
        loop.ahead += SEND_SECONDS + 1
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(streaming, return_exceptions=True)
        assert len(reader.messages) == 2

    play(scenario)


def test_no_stream_lives_for_ever() -> None:
    async def scenario(loop: Turned) -> None:
        reader = Reader()
        streaming = open_stream(begun(), reader)
        await reader.has(2)
        await anyio.wait_all_tasks_blocked()
        loop.ahead += LIFE_SECONDS + 1
        async with asyncio.timeout(PATIENCE):
            await streaming
        assert not reader.messages[-1]["more_body"]

    play(scenario)
