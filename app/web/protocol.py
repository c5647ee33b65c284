"""An HTTP protocol for uvicorn that limits the size and duration of requests.

httptools accepts a request head of any size, and uvicorn waits for its end without a timeout
(uvicorn 0.54; `h11_max_incomplete_event_size` limits only the slower h11 parser).
"""

import asyncio
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.web.problem_details import problem_response
from app.web.security import MAX_BODY_BYTES, SECURITY_HEADERS

# Limit on the request line and all headers.
MAX_HEAD_BYTES = 16 * 1024
# After a body is rejected, the rest is read and discarded, so that the client can read the
# response. This limits how much.
MAX_REQUEST_BYTES = 128 * MAX_BODY_BYTES
# Timeout for a connection's first byte and for receiving a whole request.
REQUEST_TIMEOUT_SECONDS = 20.0


class _HeadTooLarge(Exception):
    """Raised in a parser callback to end the parsing of a request."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Closes the connection if a request is malformed, too large or too slow."""

    _timeout: asyncio.TimerHandle | None = None
    _received_bytes = 0  # of the current request
    _head_bytes = 0  # of its URL and its completely received headers
    _max_bytes = MAX_HEAD_BYTES  # limit on _received_bytes

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_timeout()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._start_timeout()
        self._received_bytes += len(data)
        super().data_received(data)
        if self._received_bytes > self._max_bytes and not self.transport.is_closing():
            self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._start_timeout()
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._count_head_bytes(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_head_bytes(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._max_bytes = MAX_REQUEST_BYTES
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._cancel_timeout()
        self._received_bytes, self._max_bytes = 0, MAX_HEAD_BYTES
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Sends a problem document for a request that can't be parsed, and closes."""
        if max(self._head_bytes, self._received_bytes) > MAX_HEAD_BYTES:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            response = problem_response(
                status, f"A request's head may have {MAX_HEAD_BYTES} bytes."
            )
        else:
            status = HTTPStatus.BAD_REQUEST
            response = problem_response(status, "This is no HTTP request.")
        response.headers.update({**SECURITY_HEADERS, "Connection": "close"})
        lines = [b"HTTP/1.1 %d %s" % (status, status.phrase.encode())]
        lines += [name + b": " + value for name, value in response.raw_headers]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(response.body)]))
        self.transport.close()

    def _count_head_bytes(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            raise _HeadTooLarge

    def _start_timeout(self) -> None:
        if self._timeout is None:
            self._timeout = self.loop.call_later(REQUEST_TIMEOUT_SECONDS, self.transport.close)

    def _cancel_timeout(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            self._timeout = None
