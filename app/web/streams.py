"""A run's log as a `text/event-stream`: bytes that were encoded once, for any number of readers.

Our own response and not sse-starlette's: that encodes each event for each reader and patches
uvicorn to learn of a shutdown, while here a log that ends (at a shutdown they all do) is enough.
"""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from http import HTTPStatus

import anyio
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
            try:
                with anyio.move_on_after(LIFE_SECONDS):
                    await self._pump(send)
                await _write(send, b"", more=False)
            except TimeoutError:
                log.info("a reader that took nothing for %g s was cut off", SEND_SECONDS)
            tasks.cancel_scope.cancel()

    async def _pump(self, send: Send) -> None:
        while chunk := await self._next_chunk():
            await _write(send, chunk)
            self._streams.bytes += len(chunk)

    async def _next_chunk(self) -> bytes:
        """What is new, a ping if nothing is for long, or nothing at the end of the log."""
        with anyio.move_on_after(PING_SECONDS):
            await self._log.news(self._last_id)
            chunk = self._log.since(self._last_id)
            self._last_id = len(self._log)
            return chunk
        return b": still here\n\n"


def _too_many() -> Response:
    return problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too many readers are watching runs just now. The run goes on.",
        headers={"Retry-After": str(RETRY_SECONDS)},
    )


async def _write(send: Send, chunk: bytes, *, more: bool = True) -> None:
    with anyio.fail_after(SEND_SECONDS):
        await send({"type": "http.response.body", "body": chunk, "more_body": more})
