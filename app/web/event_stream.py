"""Streams a run's event log as server-sent events. Each event is encoded once for all readers.

This replaces sse-starlette, which encodes each event for each reader and patches uvicorn to detect
a shutdown. Here every log ends at a shutdown, and so does its stream.
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
from app.web.problem_details import problem_response

log = logging.getLogger(__name__)

# A stream sends the event `alive` after this long without another event. The page needs it to tell
# a quiet stream from a dead connection, and proxies close idle ones. The watchdog adds up to 1 s.
HEARTBEAT_SECONDS = 5.0
# A stream whose client accepts no bytes for this long is closed; the browser resumes it.
SEND_TIMEOUT_SECONDS = 8.0
# A lost connection may otherwise go unnoticed. EventSource reconnects by itself.
MAX_STREAM_SECONDS = 15 * 60.0
# How often the watchdog checks all open streams.
WATCHDOG_INTERVAL_SECONDS = 1.0
NO_WATCHER = nullcontext()
# Maximum size of the events in a poll's response, unless one event is larger. The page polls again
# for the rest.
MAX_POLL_BYTES = 64 * 1024
# Proxies may neither cache a response nor compress it: compression would buffer the stream.
NO_STORE_HEADERS = {"Cache-Control": "no-store, no-transform"}
STREAM_HEADERS = {**NO_STORE_HEADERS, "X-Accel-Buffering": "no"}
# Retry-After when all streams are taken. A run takes some 5 to 20 s, and its end frees streams.
RETRY_AFTER_SECONDS = 5


class StreamRegistry:
    """Keeps the open streams and limits their number, since each holds a socket.

    One watchdog task checks all streams. A timeout around each wait would cost more than the rest
    of a stream, and one task per stream, waking each second, delayed a thousand readers.
    """

    def __init__(self, max_streams: int) -> None:
        self.max_streams = max_streams
        self.opened_total = 0
        self.sent_bytes = 0
        self._open_streams: set[EventStream] = set()
        self._watchdog_task: asyncio.Task[None] | None = None

    @property
    def open_count(self) -> int:
        return len(self._open_streams)

    @property
    def is_full(self) -> bool:
        return self.open_count >= self.max_streams

    @contextmanager
    def register(self, stream: "EventStream") -> Iterator[bool]:
        """Registers the stream for the length of the block; yields False if there is no room."""
        if self.is_full:
            yield False
            return
        self._open_streams.add(stream)
        self.opened_total += 1
        self._watchdog_task = self._watchdog_task or asyncio.create_task(self._watch_streams())
        try:
            yield True
        finally:
            self._open_streams.remove(stream)

    async def _watch_streams(self) -> None:
        while self._open_streams:
            await asyncio.sleep(WATCHDOG_INTERVAL_SECONDS)
            for stream in list(self._open_streams):
                stream.check_timeouts()
        self._watchdog_task = None


class EventStream(Response):
    """Streams the events after `last_id` until the log ends; 503 if too many streams are open.

    The context manager `watcher` is entered for as long as the stream is open.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        log: EventLog,
        last_id: int,
        streams: StreamRegistry,
        watcher: AbstractContextManager[object] = NO_WATCHER,
    ) -> None:
        super().__init__(headers=STREAM_HEADERS)
        del self.headers["content-length"]
        self._log = log
        self._last_id = last_id
        self._streams = streams
        self._watcher = watcher
        # Whether a chunk is being sent, and when that last changed.
        self._sending, self._changed_at = False, asyncio.get_running_loop().time()
        self._ended = False
        self._tasks: TaskGroup
        self._send: Send

    @classmethod
    def headers_only(cls) -> Response:
        """Returns a stream's headers without a body, for HEAD. It does not count as a stream."""
        response = Response(headers=STREAM_HEADERS, media_type=cls.media_type)
        del response.headers["content-length"]
        return response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as self._tasks:
            self._send = send
            with self._streams.register(self) as seated:
                if not seated:
                    await _too_many_streams()(scope, receive, send)
                    return
                with self._watcher:
                    await self._send_stream(receive)

    async def _send_stream(self, receive: Receive) -> None:
        headers = self.raw_headers
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        # The first chunk is sent from this task: a new task would have to wait for all the streams
        # that opened at the same time.
        if not await self._send_new_events():
            await self._send_heartbeat()
        # A task of its own has a shorter stack of awaits to resume at each event.
        self._tasks.start_soon(self._send_until_end)
        while (await receive())["type"] != "http.disconnect":
            pass
        self._tasks.cancel_scope.cancel()

    async def _send_until_end(self) -> None:
        """Sends new events until the log ends or the stream has reached its maximum age."""
        with anyio.move_on_after(MAX_STREAM_SECONDS):
            await self._log.wait_after(self._last_id)
            while await self._send_new_events():
                await self._log.wait_after(self._last_id)
        self._ended = True
        await self._send_chunk(b"", more=False)
        self._tasks.cancel_scope.cancel()

    async def _send_new_events(self) -> bool:
        """Sends the events after the last one sent. Returns whether there were any."""
        chunk = self._log.read_after(self._last_id)
        if chunk:
            self._last_id = len(self._log)
            await self._send_chunk(chunk)
            self._streams.sent_bytes += len(chunk)
        return bool(chunk)

    async def _send_chunk(self, chunk: bytes, *, more: bool = True) -> None:
        now = asyncio.get_running_loop().time
        self._sending, self._changed_at = True, now()
        await self._send({"type": "http.response.body", "body": chunk, "more_body": more})
        self._sending, self._changed_at = False, now()

    def check_timeouts(self) -> None:
        """Closes the stream if its client has stalled; sends a heartbeat if it has been idle."""
        seconds = asyncio.get_running_loop().time() - self._changed_at
        if self._sending and seconds > SEND_TIMEOUT_SECONDS:
            log.info("a reader that took nothing for %g s was cut off", SEND_TIMEOUT_SECONDS)
            self._tasks.cancel_scope.cancel()
        elif not self._sending and seconds > HEARTBEAT_SECONDS:
            self._tasks.start_soon(self._send_heartbeat)

    async def _send_heartbeat(self) -> None:
        """Sends the event `alive`, without an id because it is not in the run's log."""
        if not self._ended and not self._sending:
            await self._send_chunk(
                f'event: alive\ndata: {{"last_id":{self._last_id}}}\n\n'.encode()
            )


def poll_response(log: EventLog, last_id: int, streams: StreamRegistry) -> Response:
    """Returns the events after `last_id` as JSON, for a page whose stream does not get through.

    `length` is the number of events in the log so far; if the last id returned is smaller, the page
    polls for the rest. `full` means that no further stream can be opened now.
    """
    events: list[bytes] = []
    size = 0
    for entry in log.entries[last_id:]:
        if events and size + len(entry) > MAX_POLL_BYTES:
            break
        events.append(_entry_json(entry))
        size += len(entry)
    length_and_full = (
        f'"length":{len(log)},"full":{"true" if streams.is_full else "false"}'.encode()
    )
    body = b'{"events":[' + b",".join(events) + b"]," + length_and_full + b"}"
    return Response(body, media_type="application/json", headers=NO_STORE_HEADERS)


def _entry_json(entry: bytes) -> bytes:
    """Converts an entry of the log (an encoded server-sent event with JSON data) to JSON."""
    event_id, name, data = (line.split(b": ", 1)[1] for line in entry.rstrip(b"\n").split(b"\n"))
    return b'{"id":' + event_id + b',"event":"' + name + b'","data":' + data + b"}"


def _too_many_streams() -> Response:
    return problem_response(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Too many readers are watching runs just now. The run goes on.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )
