"""A TCP forwarder in front of a server that simulates proxies and bad networks."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from tests.support.processes import TIMEOUT, wait_until

CHUNK = 65_536
END_OF_HEAD = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


@dataclass
class Connection:
    """A browser's connection. `request_line` is the latest request's, such as "GET /".

    `sent_bytes` counts the bytes sent in response to it.
    """

    browser: socket.socket
    server: socket.socket
    request_line: str = ""
    held_bytes: bytes = b""
    sent_bytes: int = 0
    frozen: bool = False

    @property
    def path(self) -> str:
        return self.request_line.partition(" ")[2]

    @property
    def is_stream(self) -> bool:
        """Whether its request is for an event stream (not a poll)."""
        return "/events" in self.path and "wait=0" not in self.path

    @property
    def is_stream_or_poll(self) -> bool:
        """Whether its request is for an event stream or a poll."""
        return "/events" in self.path

    def respond(self, text: bytes) -> None:
        """Sends a response in place of the server's and closes the connection."""
        with suppress(OSError):
            self.browser.sendall(text)
        self.shut_down()

    def shut_down(self) -> None:
        """Shuts both sockets down, which wakes the threads that read from them."""
        for each in (self.browser, self.server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close_sockets(self) -> None:
        """Closes both sockets, once no thread uses them."""
        self.browser.close()
        self.server.close()


# Takes bytes from the server and returns the bytes to send to the browser.
ResponseTransform: TypeAlias = Callable[[Connection, bytes], bytes]
# Returns whether a request is kept from the server.
RequestInterceptor: TypeAlias = Callable[[Connection], bool]


def unchanged(_: Connection, data: bytes) -> bytes:
    return data


def forward(_: Connection) -> bool:
    return False


class Forwarder:
    """Forwards bytes between browsers and the server at `server_url`; listens at `url`.

    `transform` changes the bytes from the server; `intercept` may respond to requests in its place.
    Both can be set at any time.
    """

    def __init__(self, server_url: str) -> None:
        address = urlsplit(server_url)
        self._server = (address.hostname, address.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.transform: ResponseTransform = unchanged
        self.intercept: RequestInterceptor = forward
        self.connections: list[Connection] = []
        # (old, new): text to replace in requests; ("", "") replaces nothing.
        self.rewrite = ("", "")
        self.requests: list[str] = []
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def streams(self) -> list[str]:
        """Request lines for event streams."""
        return [path for path in self._event_requests() if "wait=0" not in path]

    @property
    def polls(self) -> list[str]:
        """Request lines of polls."""
        return [path for path in self._event_requests() if "wait=0" in path]

    def _event_requests(self) -> list[str]:
        return [request for request in self.requests if "/events" in request]

    def wait_for_request(self, part: str) -> None:
        """Waits for a request whose first line contains `part`."""
        what = f"a request with {part}"
        wait_until(lambda: any(part in each for each in self.requests), what)

    def freeze_streams(self) -> None:
        """Stops forwarding the open streams; new connections work."""
        streams = [each for each in self.connections if each.is_stream]
        assert streams, "no stream is open"
        for each in streams:
            each.frozen = True

    def close_streams(self) -> None:
        """Closes the connections of the open streams."""
        for connection in self.connections:
            if connection.is_stream:
                connection.shut_down()

    def close(self) -> None:
        """Closes all connections and joins all threads."""
        with suppress(OSError):
            # On Linux, shutdown() wakes a thread in accept() and close() does not.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        _join(self._acceptor)
        for connection in self.connections:
            connection.shut_down()
        for pump in self._threads:
            _join(pump)
        for connection in self.connections:
            connection.close_sockets()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                browser, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._server)
                except OSError:  # the server accepts no connection, so the forwarder doesn't either
                    browser.close()
                    continue
                connection = Connection(browser, server)
                self.connections.append(connection)
                for pump in (self._forward_requests, self._forward_responses):
                    self._threads.append(
                        threading.Thread(target=pump, args=(connection,), daemon=True)
                    )
                    self._threads[-1].start()

    def _forward_requests(self, connection: Connection) -> None:
        with suppress(OSError):
            while data := connection.browser.recv(CHUNK):
                first_line = data.partition(b"\r\n")[0]
                if first_line.endswith(
                    b" HTTP/1.1"
                ):  # otherwise these bytes belong to a request's body
                    connection.request_line = first_line.removesuffix(b" HTTP/1.1").decode()
                    connection.held_bytes, connection.sent_bytes = b"", 0
                    self.requests.append(connection.request_line)
                    if self.intercept(connection):
                        continue
                before, after = (text.encode() for text in self.rewrite)
                connection.server.sendall(data.replace(before, after, 1) if before else data)
        connection.shut_down()

    def _forward_responses(self, connection: Connection) -> None:
        with suppress(OSError):
            while data := connection.server.recv(CHUNK):
                passed = b"" if connection.frozen else self.transform(connection, data)
                connection.sent_bytes += len(passed)
                connection.browser.sendall(passed)
        if not connection.frozen:  # a frozen connection must not tell the browser that it has ended
            connection.shut_down()


def _join(thread: threading.Thread) -> None:
    thread.join(TIMEOUT)
    assert not thread.is_alive(), f"{thread.name} did not end"


@contextmanager
def forwarding(server_url: str) -> Iterator[Forwarder]:
    """Runs a forwarder for the length of the block."""
    forwarder = Forwarder(server_url)
    try:
        yield forwarder
    finally:
        forwarder.close()


def buffer_stream(connection: Connection, data: bytes) -> bytes:
    """Buffers a stream and sends it when it has ended."""
    if not connection.is_stream:
        return data
    connection.held_bytes += data
    return connection.held_bytes if connection.held_bytes.endswith(LAST_CHUNK) else b""


def buffer_stream_body(connection: Connection, data: bytes) -> bytes:
    """Sends a stream's head at once and its body when it has ended."""
    if not connection.is_stream or connection.sent_bytes:
        return buffer_stream(connection, data)
    head, ends, connection.held_bytes = data.partition(END_OF_HEAD)
    return head + ends


def buffer_first_bytes(count: int) -> ResponseTransform:
    """Buffers a stream until it has `count` bytes."""

    def treat(connection: Connection, data: bytes) -> bytes:
        if not connection.is_stream or connection.sent_bytes:
            return data
        connection.held_bytes += data
        return connection.held_bytes if len(connection.held_bytes) >= count else b""

    return treat


def cut_after(count: int) -> ResponseTransform:
    """Closes a stream after `count` bytes of its body, even within an event."""

    def treat(connection: Connection, data: bytes) -> bytes:
        if not connection.is_stream:
            return data
        connection.held_bytes += data
        body = len(connection.held_bytes.partition(END_OF_HEAD)[2])
        if body < count:
            return data
        connection.browser.sendall(data[: len(data) - (body - count)])
        connection.shut_down()
        raise ConnectionError("cut")

    return treat


def set_content_type(kind: str) -> ResponseTransform:
    """Changes a stream's content type."""

    def treat(connection: Connection, data: bytes) -> bytes:
        return data.replace(b"text/event-stream", kind.encode()) if connection.is_stream else data

    return treat


def bad_gateway(connection: Connection) -> bool:
    """Responds 502, like a proxy whose server is down."""
    if connection.is_stream_or_poll:
        body = b"<h1>502 Bad Gateway</h1>"
        head = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
        connection.respond(head % len(body) + body)
    return connection.is_stream_or_poll


def captive_portal(connection: Connection) -> bool:
    """Responds with a login page, like a hotel's captive portal."""
    if connection.is_stream_or_poll:
        body = b"<form>Who are you?</form>"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
        connection.respond(head % len(body) + body)
    return connection.is_stream_or_poll


def ignore_streams(connection: Connection) -> bool:
    """Never responds to a request for a stream, so that the browser stays connecting."""
    return connection.is_stream


def ignore_requests(*parts: str) -> RequestInterceptor:
    """Never responds to requests whose first line contains one of `parts`."""
    return lambda connection: any(part in connection.request_line for part in parts)
