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

from app.log import Log
from app.web.problems import problem

log = logging.getLogger(__name__)

# A comment this often keeps proxies from cutting a quiet stream.
PING_SECONDS = 15.0
# A reader that takes no bytes for this long is cut off; its browser resumes when it can.
SEND_SECONDS = 8.0
# A lost connection may never be noticed otherwise; EventSource comes back by itself.
LIFE_SECONDS = 15 * 60.0
# How often that is looked after.
LOOK_SECONDS = 1.0
PING = b": still here\n\n"
NOBODY = nullcontext()
# When to come back if there is no room: a run, whose end makes room, takes some 5 to 20 s.
RETRY_SECONDS = 5


class Streams:
    """How many streams are open now, and how many may be: each holds a socket."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.open = 0
        self.opened = 0
        self.bytes = 0

    @contextmanager
    def seat(self) -> Iterator[bool]:
        """Counts one more while its body runs; False, and nothing is counted, if all are taken."""
        if self.open >= self.most:
            yield False
            return
        self.open += 1
        self.opened += 1
        try:
            yield True
        finally:
            self.open -= 1


class EventStream(Response):
    """Streams `log` from behind `last_id` to its end; 503 if too many streams are open.

    `watching` is entered as long as it does.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        log: Log,
        last_id: int,
        streams: Streams,
        watching: AbstractContextManager[object] = NOBODY,
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._log = log
        self._last_id = last_id
        self._streams = streams
        self._watching = watching
        # Whether bytes are on their way, and since when that is so or not.
        self._sending, self._since = False, asyncio.get_running_loop().time()
        self._over = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._streams.seat() as seated:
            if not seated:
                await _too_many()(scope, receive, send)
                return
            with self._watching:
                await self._stream(receive, send)

    async def _stream(self, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with anyio.create_task_group() as tasks:

            async def until_the_reader_leaves() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                tasks.cancel_scope.cancel()

            tasks.start_soon(until_the_reader_leaves)
            tasks.start_soon(self._look_after, send, tasks)
            with anyio.move_on_after(LIFE_SECONDS):
                await self._pump(send)
            self._over = True
            await self._say(send, b"", more=False)
            tasks.cancel_scope.cancel()

    async def _pump(self, send: Send) -> None:
        """Sends what is new until the log ends."""
        while True:
            await self._log.news(self._last_id)
            chunk = self._log.since(self._last_id)
            if not chunk:
                return
            self._last_id = len(self._log)
            await self._say(send, chunk)
            self._streams.bytes += len(chunk)

    async def _say(self, send: Send, chunk: bytes, *, more: bool = True) -> None:
        now = asyncio.get_running_loop().time
        self._sending, self._since = True, now()
        await send({"type": "http.response.body", "body": chunk, "more_body": more})
        self._sending, self._since = False, now()

    async def _look_after(self, send: Send, tasks: TaskGroup) -> None:
        """Ends the stream of a reader who takes nothing, and has a quiet one say that it is there.

        It looks now and then. A timeout around each wait would cost more than all the rest: with
        a thousand readers of ten events a second, 60 of the 95 µs of an event.
        """
        while True:
            await anyio.sleep(LOOK_SECONDS)
            seconds = asyncio.get_running_loop().time() - self._since
            if self._sending and seconds > SEND_SECONDS:
                log.info("a reader that took nothing for %g s was cut off", SEND_SECONDS)
                tasks.cancel_scope.cancel()
            elif not self._sending and seconds > PING_SECONDS:
                tasks.start_soon(self._ping, send)

    async def _ping(self, send: Send) -> None:
        if not self._over:
            await self._say(send, PING)


def _too_many() -> Response:
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too many readers are watching runs just now. The run goes on.",
        headers={"Retry-After": str(RETRY_SECONDS)},
    )
