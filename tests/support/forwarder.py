"""A TCP forwarder before a server: what a proxy or a bad network does, on real sockets."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from tests.support.processes import PATIENCE, wait_until

CHUNK = 65_536
HEAD_ENDS = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


@dataclass
class Connection:
    """A browser's connection. `request` is its latest, as "GET /"; `sent` bytes came for it."""

    browser: socket.socket
    server: socket.socket
    request: str = ""
    held: bytes = b""
    sent: int = 0
    frozen: bool = False

    @property
    def path(self) -> str:
        return self.request.partition(" ")[2]

    @property
    def is_stream(self) -> bool:
        """It carries an event stream, and no poll."""
        return "/events" in self.path and "wait=0" not in self.path

    @property
    def is_of_run(self) -> bool:
        """It carries an event stream or a poll."""
        return "/events" in self.path

    def answer(self, text: bytes) -> None:
        """Answers in the server's place and closes."""
        with suppress(OSError):
            self.browser.sendall(text)
        self.close()

    def close(self) -> None:
        """Ends it on both sides; whoever waits for bytes of it wakes up."""
        for each in (self.browser, self.server):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Gives both sockets back to the system, once no thread uses them."""
        self.browser.close()
        self.server.close()


# What is done with bytes from the server: returns those that go on to the browser.
Treatment: TypeAlias = Callable[[Connection, bytes], bytes]
# Whether a request is kept from the server.
Interception: TypeAlias = Callable[[Connection], bool]


def untouched(_: Connection, data: bytes) -> bytes:
    return data


def let_through(_: Connection) -> bool:
    return False


class Forwarder:
    """Passes bytes between browsers and the server at `server_url`, at an address of its own.

    `treat` alters what the server sends, `intercept` may answer requests in its place. Both may be
    set at any time.
    """

    def __init__(self, server_url: str) -> None:
        address = urlsplit(server_url)
        self._server = (address.hostname, address.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.treat: Treatment = untouched
        self.intercept: Interception = let_through
        self.connections: list[Connection] = []
        # In requests for something of a run, what stands in place of what: ("", "") leaves them.
        self.rewrite = ("", "")
        self.requests: list[str] = []
        self._pumps: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def streams(self) -> list[str]:
        """Paths of the event streams that were asked for."""
        return [path for path in self._events_asked_for() if "wait=0" not in path]

    @property
    def polls(self) -> list[str]:
        """Paths of the polls."""
        return [path for path in self._events_asked_for() if "wait=0" in path]

    def _events_asked_for(self) -> list[str]:
        return [request for request in self.requests if "/events" in request]

    def wait_for(self, part: str) -> None:
        """Returns once a request with that in its first line has come."""
        what = f"a request with {part}"
        wait_until(lambda: any(part in each for each in self.requests), what)

    def freeze(self) -> None:
        """Moves no more bytes of the streams that are open now; new connections work."""
        streams = [each for each in self.connections if each.is_stream]
        assert streams, "no stream is open"
        for each in streams:
            each.frozen = True

    def cut(self) -> None:
        """Closes the connections of the streams that are open now."""
        for connection in self.connections:
            if connection.is_stream:
                connection.close()

    def close(self) -> None:
        """Ends all connections; leaves neither a thread nor an open socket."""
        with suppress(OSError):
            # Linux wakes a thread in accept() for this, and not for close().
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        _join(self._acceptor)
        for connection in self.connections:
            connection.close()
        for pump in self._pumps:
            _join(pump)
        for connection in self.connections:
            connection.release()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                browser, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._server)
                except OSError:  # the server is gone, or turns it away: so does this one
                    browser.close()
                    continue
                connection = Connection(browser, server)
                self.connections.append(connection)
                for pump in (self._ask, self._answer):
                    self._pumps.append(
                        threading.Thread(target=pump, args=(connection,), daemon=True)
                    )
                    self._pumps[-1].start()

    def _ask(self, connection: Connection) -> None:
        with suppress(OSError):
            while data := connection.browser.recv(CHUNK):
                first_line = data.partition(b"\r\n")[0]
                if first_line.endswith(b" HTTP/1.1"):  # else more of a request's body
                    connection.request = first_line.removesuffix(b" HTTP/1.1").decode()
                    connection.held, connection.sent = b"", 0
                    self.requests.append(connection.request)
                    if self.intercept(connection):
                        continue
                before, after = (text.encode() for text in self.rewrite)
                connection.server.sendall(data.replace(before, after, 1) if before else data)
        connection.close()

    def _answer(self, connection: Connection) -> None:
        with suppress(OSError):
            while data := connection.server.recv(CHUNK):
                passed = b"" if connection.frozen else self.treat(connection, data)
                connection.sent += len(passed)
                connection.browser.sendall(passed)
        if not connection.frozen:  # else the browser doesn't hear of the end either
            connection.close()


def _join(thread: threading.Thread) -> None:
    thread.join(PATIENCE)
    assert not thread.is_alive(), f"{thread.name} did not end"


@contextmanager
def forwarding(server_url: str) -> Iterator[Forwarder]:
    """A forwarder that lives as long as the body."""
    forwarder = Forwarder(server_url)
    try:
        yield forwarder
    finally:
        forwarder.close()


def hold_until_the_end(connection: Connection, data: bytes) -> bytes:
    """Lets a stream through when it is over, all at once."""
    if not connection.is_stream:
        return data
    connection.held += data
    return connection.held if connection.held.endswith(LAST_CHUNK) else b""


def hold_the_body_until_the_end(connection: Connection, data: bytes) -> bytes:
    """Lets a stream's head through at once, and its body when it is over."""
    if not connection.is_stream or connection.sent:
        return hold_until_the_end(connection, data)
    head, ends, connection.held = data.partition(HEAD_ENDS)
    return head + ends


def hold_the_first(count: int) -> Treatment:
    """Lets a stream through once it has so many bytes."""

    def treat(connection: Connection, data: bytes) -> bytes:
        if not connection.is_stream or connection.sent:
            return data
        connection.held += data
        return connection.held if len(connection.held) >= count else b""

    return treat


def cut_after(count: int) -> Treatment:
    """Cuts a stream after so many bytes of its body, in the middle of an event or not."""

    def treat(connection: Connection, data: bytes) -> bytes:
        if not connection.is_stream:
            return data
        connection.held += data
        body = len(connection.held.partition(HEAD_ENDS)[2])
        if body < count:
            return data
        connection.browser.sendall(data[: len(data) - (body - count)])
        connection.close()
        raise ConnectionError("cut")

    return treat


def call_it(kind: str) -> Treatment:
    """Changes a stream's content type."""

    def treat(connection: Connection, data: bytes) -> bytes:
        return data.replace(b"text/event-stream", kind.encode()) if connection.is_stream else data

    return treat


def bad_gateway(connection: Connection) -> bool:
    """Answers 502 as a proxy does whose server is down."""
    if connection.is_of_run:
        body = b"<h1>502 Bad Gateway</h1>"
        head = b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
        connection.answer(head % len(body) + body)
    return connection.is_of_run


def login_page(connection: Connection) -> bool:
    """Answers with a page of its own, as a hotel's network does."""
    if connection.is_of_run:
        body = b"<form>Who are you?</form>"
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
        connection.answer(head % len(body) + body)
    return connection.is_of_run


def swallow_streams(connection: Connection) -> bool:
    """Never answers a request for a stream: the browser stays connecting."""
    return connection.is_stream


def swallow(*parts: str) -> Interception:
    """Never answers a request with one of these in its first line, such as "POST /comments"."""
    return lambda connection: any(part in connection.request for part in parts)
