import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
import httpx
from starlette.types import Message

from app.events import Done, Queued
from app.log import Log
from app.web.streams import LIFE_SECONDS, PING_SECONDS, SEND_SECONDS, EventStream, Streams
from tests.processes import PATIENCE
from tests.web.asking import FinishedRun, json_of, stream, train, until
from tests.wire import events_in, ids, names


def test_the_last_id_may_stand_in_the_address(finished: FinishedRun) -> None:
    answer = finished.reader.get(f"{finished.path}/events?last_event_id=3")
    assert ids(events_in(answer.content))[0] == 4


def test_the_header_comes_before_the_address(finished: FinishedRun) -> None:
    """A browser that resumes sends the header, and the address it had at first."""
    answer = finished.reader.get(
        f"{finished.path}/events?last_event_id=1", headers={"Last-Event-ID": "5"}
    )
    assert ids(events_in(answer.content))[0] == 6


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
    return asyncio.create_task(EventStream(log, 0, Streams(1))(scope, reader.receive, reader.send))


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
