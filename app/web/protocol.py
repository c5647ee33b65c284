"""One reader's connection: what uvicorn reads of it, within bounds on size and time.

httptools takes a head of any size, and uvicorn waits for its end for ever (uvicorn 0.54; its
`h11_max_incomplete_event_size` bounds the other, slower parser).
"""

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.web.problem_details import problem
from app.web.security import HEADERS, MAX_BODY_BYTES

# The line with the target and all headers.
MAX_HEAD_BYTES = 16 * 1024
# What comes after a body was refused is read and thrown away, so that the reader gets to the
# refusal; but not without end.
MAX_REQUEST_BYTES = 128 * MAX_BODY_BYTES
# For a whole request to come in, and for the first one to begin.
REQUEST_SECONDS = 20.0


class _TooLarge(Exception):
    """Ends the parsing of a request."""


class Connection(HttpToolsProtocol):
    """Ends when a request is no HTTP, too large, or not there in time."""

    _clock: asyncio.TimerHandle | None = None
    _received = 0  # bytes of the request that is coming in
    _head = 0  # and of its headers, as far as each is complete
    _bound = MAX_HEAD_BYTES  # of what is received

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_the_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_the_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._start_the_clock()
        self._received += len(data)
        super().data_received(data)
        if self._received > self._bound and not self.transport.is_closing():
            self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start_the_clock()
        self._head = 0

    def on_url(self, url: bytes) -> None:
        self._take(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._take(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._bound = MAX_REQUEST_BYTES
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._stop_the_clock()
        self._received, self._bound = 0, MAX_HEAD_BYTES
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuses what can't be read, in the form of all other refusals, and hangs up."""
        if max(self._head, self._received) > MAX_HEAD_BYTES:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            refusal = problem(status, f"A request's head may have {MAX_HEAD_BYTES} bytes.")
        else:
            status = HTTPStatus.BAD_REQUEST
            refusal = problem(status, "This is no HTTP request.")
        refusal.headers.update({**HEADERS, "Connection": "close"})
        lines = [b"HTTP/1.1 %d %s" % (status, status.phrase.encode())]
        lines += [name + b": " + value for name, value in refusal.raw_headers]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(refusal.body)]))
        self.transport.close()

    def _take(self, size: int) -> None:
        self._head += size
        if self._head > MAX_HEAD_BYTES:
            raise _TooLarge

    def _start_the_clock(self) -> None:
        if self._clock is None:
            self._clock = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def _stop_the_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None
