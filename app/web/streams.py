"""A run's log as a `text/event-stream`: bytes that were encoded once, for any number of readers.

Our own response and not sse-starlette's: that encodes each event for each reader and patches
uvicorn to learn of a shutdown, while here a log that ends (at a shutdown they all do) is enough.
"""

import logging
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.log import Log

log = logging.getLogger(__name__)

# A comment this often keeps proxies from cutting a quiet stream.
PING_SECONDS = 15.0
# A reader that takes no bytes for this long is cut off; its browser resumes when it can.
SEND_SECONDS = 8.0
# A lost connection may never be noticed otherwise; EventSource comes back by itself.
LIFE_SECONDS = 15 * 60.0
NOBODY = nullcontext()


@dataclass(slots=True)
class Traffic:
    """What all streams of this server carry."""

    open: int = 0
    opened: int = 0
    bytes: int = 0


class EventStream(Response):
    """Streams `log` from behind `last_id` to its end, and counts in `traffic`.

    `watching` is entered as long as it does.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        log: Log,
        last_id: int,
        traffic: Traffic,
        watching: AbstractContextManager[object] = NOBODY,
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._log = log
        self._last_id = last_id
        self._traffic = traffic
        self._watching = watching

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._traffic.open += 1
        self._traffic.opened += 1
        try:
            with self._watching:
                await self._stream(receive, send)
        finally:
            self._traffic.open -= 1

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
            self._traffic.bytes += len(chunk)

    async def _next_chunk(self) -> bytes:
        """What is new, a ping if nothing is for long, or nothing at the end of the log."""
        with anyio.move_on_after(PING_SECONDS):
            await self._log.news(self._last_id)
            chunk = self._log.since(self._last_id)
            self._last_id = len(self._log)
            return chunk
        return b": still here\n\n"


async def _write(send: Send, chunk: bytes, *, more: bool = True) -> None:
    with anyio.fail_after(SEND_SECONDS):
        await send({"type": "http.response.body", "body": chunk, "more_body": more})
