"""A run's log as a `text/event-stream`: bytes that were encoded once, for any number of readers.

Our own response and not sse-starlette's: that encodes each event for each reader and patches
uvicorn to learn of a shutdown, while here a log that ends (at a shutdown they all do) is enough.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from http import HTTPStatus

import anyio
from anyio.abc import TaskGroup
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.runs.event_log import EventLog
from app.web.problem_details import problem

log = logging.getLogger(__name__)

# After so long without an event a stream says that it is alive: a page can't tell a quiet stream
# from a dead connection otherwise, and proxies cut what is quiet. The check below adds up to 1 s.
ALIVE_SECONDS = 5.0
# A reader that takes no bytes for this long is cut off; its browser resumes when it can.
SEND_SECONDS = 8.0
# A lost connection may never be noticed otherwise; EventSource comes back by itself.
LIFE_SECONDS = 15 * 60.0
# How often that is looked after.
LOOK_SECONDS = 1.0
NOBODY = nullcontext()
# A poll's answer has no more bytes of events than that, or one event: the page asks for the rest.
POLL_BYTES = 64 * 1024
# Nothing on the way may keep an answer for others, or compress it, which would hold a stream back.
FRESH = {"Cache-Control": "no-store, no-transform"}
HEADERS = {**FRESH, "X-Accel-Buffering": "no"}
# When to come back if there is no room: a run, whose end makes room, takes some 5 to 20 s.
RETRY_SECONDS = 5


class Streams:
    """The streams that are open now, and how many may be: each holds a socket.

    All are looked after by one task, now and then. A timeout around each wait would cost more than
    all the rest, and a task a stream that wakes each second had a thousand readers wait for it.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.opened = 0
        self.bytes = 0
        self._open: set[EventStream] = set()
        self._looking: asyncio.Task[None] | None = None

    @property
    def open(self) -> int:
        return len(self._open)

    @property
    def full(self) -> bool:
        return self.open >= self.most

    @contextmanager
    def seat(self, stream: "EventStream") -> Iterator[bool]:
        """Looks after that stream while its body runs; False if all seats are taken."""
        if self.full:
            yield False
            return
        self._open.add(stream)
        self.opened += 1
        self._looking = self._looking or asyncio.create_task(self._look_after_all())
        try:
            yield True
        finally:
            self._open.remove(stream)

    async def _look_after_all(self) -> None:
        while self._open:
            await asyncio.sleep(LOOK_SECONDS)
            for stream in list(self._open):
                stream.look()
        self._looking = None


class EventStream(Response):
    """Streams `log` from behind `last_id` to its end; 503 if too many streams are open.

    `watching` is entered as long as it does.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        log: EventLog,
        last_id: int,
        streams: Streams,
        watching: AbstractContextManager[object] = NOBODY,
    ) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._log = log
        self._last_id = last_id
        self._streams = streams
        self._watching = watching
        # Whether bytes are on their way, and since when that is so or not.
        self._sending, self._since = False, asyncio.get_running_loop().time()
        self._over = False
        self._tasks: TaskGroup
        self._send: Send

    @classmethod
    def head(cls) -> Response:
        """The headers of a stream alone; it takes no place of one."""
        answer = Response(headers=HEADERS, media_type=cls.media_type)
        del answer.headers["content-length"]
        return answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as self._tasks:
            self._send = send
            with self._streams.seat(self) as seated:
                if not seated:
                    await _too_many()(scope, receive, send)
                    return
                with self._watching:
                    await self._stream(receive)

    async def _stream(self, receive: Receive) -> None:
        headers = self.raw_headers
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        # At once, and not when all who came at the same time have been let in.
        if not await self._catch_up():
            await self._say_alive()
        # It wakes at each event: in a task of its own it does so without all that is around here.
        self._tasks.start_soon(self._pump)
        while (await receive())["type"] != "http.disconnect":
            pass
        self._tasks.cancel_scope.cancel()

    async def _pump(self) -> None:
        """Sends what is new until the log ends, or the stream has lived for long enough."""
        with anyio.move_on_after(LIFE_SECONDS):
            await self._log.wait_after(self._last_id)
            while await self._catch_up():
                await self._log.wait_after(self._last_id)
        self._over = True
        await self._say(b"", more=False)
        self._tasks.cancel_scope.cancel()

    async def _catch_up(self) -> bool:
        """Sends what the log has and the reader has not; whether there was anything."""
        chunk = self._log.read_after(self._last_id)
        if chunk:
            self._last_id = len(self._log)
            await self._say(chunk)
            self._streams.bytes += len(chunk)
        return bool(chunk)

    async def _say(self, chunk: bytes, *, more: bool = True) -> None:
        now = asyncio.get_running_loop().time
        self._sending, self._since = True, now()
        await self._send({"type": "http.response.body", "body": chunk, "more_body": more})
        self._sending, self._since = False, now()

    def look(self) -> None:
        """Ends the stream of a reader who takes nothing; has a quiet one say that it is alive."""
        seconds = asyncio.get_running_loop().time() - self._since
        if self._sending and seconds > SEND_SECONDS:
            log.info("a reader that took nothing for %g s was cut off", SEND_SECONDS)
            self._tasks.cancel_scope.cancel()
        elif not self._sending and seconds > ALIVE_SECONDS:
            self._tasks.start_soon(self._say_alive)

    async def _say_alive(self) -> None:
        """Sends the event `alive`. It has no id, since it is not part of the run's log."""
        if not self._over and not self._sending:
            await self._say(f'event: alive\ndata: {{"last_id":{self._last_id}}}\n\n'.encode())


def poll(log: EventLog, last_id: int, streams: Streams) -> Response:
    """Answers at once with the events behind `last_id`, as JSON, for a page that gets no stream.

    `length` is the number of events in the log so far; where the answer's last id is smaller, the
    page asks for the rest. `full` says that no stream could be opened just now.
    """
    events: list[bytes] = []
    size = 0
    for entry in log.entries[last_id:]:
        if events and size + len(entry) > POLL_BYTES:
            break
        events.append(_as_json(entry))
        size += len(entry)
    about = f'"length":{len(log)},"full":{"true" if streams.full else "false"}'.encode()
    body = b'{"events":[' + b",".join(events) + b"]," + about + b"}"
    return Response(body, media_type="application/json", headers=FRESH)


def _as_json(entry: bytes) -> bytes:
    """An event of a log, whose data is JSON already, as a JSON object."""
    event_id, name, data = (line.split(b": ", 1)[1] for line in entry.rstrip(b"\n").split(b"\n"))
    return b'{"id":' + event_id + b',"event":"' + name + b'","data":' + data + b"}"


def _too_many() -> Response:
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too many readers are watching runs just now. The run goes on.",
        headers={"Retry-After": str(RETRY_SECONDS)},
    )
