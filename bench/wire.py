"""Readers as bare sockets: a thousand of them must cost less than the server that is measured."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import TypeAlias, cast
from urllib.parse import urlsplit

# Name and data of an event.
Hear: TypeAlias = Callable[[str, bytes], None]
HEAD_ENDS = b"\r\n\r\n"
STATUS = re.compile(rb"HTTP/1\.1 (\d{3})")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `seconds` from the wish to connect to its last byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    def value(self, name: str) -> object:
        """A field of its JSON."""
        return json.loads(self.body)[name]


class Visitor:
    """A browser session: it keeps its cookie, and opens a connection for each request."""

    def __init__(self, url: str) -> None:
        at = urlsplit(url)
        assert at.hostname, url
        assert at.port, url
        self._host, self._port, self._netloc = at.hostname, at.port, at.netloc
        self._cookie = ""

    async def ask(
        self, method: str, path: str, sent: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Sends `sent` as JSON, if there is any, and waits for the whole answer."""
        body = b"" if sent is None else json.dumps(sent).encode()
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        answer = await self.send(self._head(method, path, {**fields, **(headers or {})}) + body)
        if cookie := answer.headers.get("set-cookie"):
            self._cookie = cookie.partition(";")[0]
        return answer

    async def send(self, request: bytes) -> Answer:
        """Sends these bytes, whatever they are. Raises ConnectionError if no answer comes."""
        asked = monotonic()
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(request)
            head = await reader.readuntil(HEAD_ENDS)
            status, headers = _read_head(head)
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            return Answer(status, headers, body, monotonic() - asked)
        except asyncio.IncompleteReadError as error:
            raise ConnectionError("closed before the answer was whole") from error
        finally:
            writer.close()

    async def watch(self, path: str, hear: Hear, last_id: int = 0) -> "EventReader":
        """A stream from behind `last_id`, just asked for."""
        resumes = {"Last-Event-ID": str(last_id)} if last_id else {}
        request = self._head("GET", path, {"Accept": "text/event-stream", **resumes})
        loop = asyncio.get_running_loop()
        _, reader = await loop.create_connection(
            lambda: EventReader(request, hear, last_id), self._host, self._port
        )
        return reader

    def _head(self, method: str, path: str, headers: Mapping[str, str]) -> bytes:
        cookie = {"Cookie": self._cookie} if self._cookie else {}
        fields = {"Host": self._netloc, **cookie, **headers}
        lines = [f"{method} {path} HTTP/1.1", *(f"{key}: {text}" for key, text in fields.items())]
        return "\r\n".join([*lines, "", ""]).encode()


class EventReader(asyncio.Protocol):
    """Reads one event stream, and counts what is missing from it or comes twice."""

    def __init__(self, request: bytes, hear: Hear, last_id: int = 0) -> None:
        self.status = 0
        self.last_id = last_id
        self.lost = self.doubled = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._request = request
        self._hear = hear
        self._transport: asyncio.Transport
        self._raw = b""
        self._text = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._raw += data
        if not self.status and HEAD_ENDS in self._raw:
            head, _, self._raw = self._raw.partition(HEAD_ENDS)
            self.status, _ = _read_head(head)
        if self.status:
            self._take_chunks()

    def connection_lost(self, exc: Exception | None) -> None:
        self.close()

    def close(self) -> None:
        """Leaves in the middle, as a lost reader does; harmless at the end."""
        self._transport.abort()
        if not self.ended.done():
            self.ended.set_result(None)

    def _take_chunks(self) -> None:
        """Chunks of HTTP/1.1 (RFC 9112, §7.1), as far as they are whole."""
        while True:
            size_text, line_ends, rest = self._raw.partition(b"\r\n")
            if not line_ends:
                return
            size = int(size_text, 16) if self.status == 200 else 0
            if size == 0:  # the end, or no stream at all
                self.close()
                return
            if len(rest) < size + 2:
                return
            self._raw = rest[size + 2 :]
            self._take_events(rest[:size])

    def _take_events(self, text: bytes) -> None:
        *events, self._text = (self._text + text).split(b"\n\n")
        for event in events:
            fields = dict(line.split(b": ", 1) for line in event.split(b"\n"))
            if b"id" in fields:  # else a comment
                self._count(int(fields[b"id"]))
                self._hear(fields[b"event"].decode(), fields[b"data"])

    def _count(self, event_id: int) -> None:
        if event_id <= self.last_id:
            self.doubled += 1
        else:
            self.lost += event_id - self.last_id - 1
            self.last_id = event_id


def _read_head(head: bytes) -> tuple[int, dict[str, str]]:
    status = STATUS.match(head)
    if not status:
        raise ConnectionError(f"no HTTP answer: {head[:40]!r}")
    lines = head.decode("latin-1").split("\r\n")[1:]
    fields = (line.partition(": ") for line in lines if line)
    return int(status[1]), {name.lower(): value for name, _, value in fields}
