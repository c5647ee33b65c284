"""What a bench counts as lost or doubled is so: a stream cut anywhere, and one with faults."""

import asyncio
from typing import cast

import pytest

from app.events import Done, Queued, encode
from bench.figures import quantile
from bench.wire import EventReader

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
EVENTS = [encode(Queued(3 - index, 1.5), index + 1) for index in range(3)]
END = encode(Done("stopped", 0.0), 4)

pytestmark = pytest.mark.anyio


class Wire:
    """The transport of one reader, as far as a reader uses it."""

    def __init__(self) -> None:
        self.aborted = False

    def write(self, data: bytes) -> None:
        assert data == b"GET"

    def abort(self) -> None:
        self.aborted = True


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def read(pieces: list[bytes]) -> tuple[EventReader, Wire, list[str]]:
    """A reader who gets these pieces, one after the other."""
    heard: list[str] = []
    reader, wire = EventReader(b"GET", lambda name, _: heard.append(name)), Wire()
    reader.connection_made(cast("asyncio.Transport", wire))
    for piece in pieces:
        reader.data_received(piece)
    return reader, wire, heard


@pytest.mark.parametrize("size", [1, 7, 64, 1_000])
async def test_a_stream_is_read_wherever_it_was_cut(size: int) -> None:
    first, second, third = EVENTS
    stream = HEAD + chunk(first + second) + chunk(b": still here\n\n")
    stream += chunk(third[:9]) + chunk(third[9:] + END) + chunk(b"")
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    reader, wire, heard = read(pieces)
    assert heard == ["queued", "queued", "queued", "done"]
    assert (reader.last_id, reader.lost, reader.doubled) == (4, 0, 0)
    assert reader.ended.done()
    assert wire.aborted


async def test_what_is_missing_and_what_comes_twice_is_counted() -> None:
    first, _, third = EVENTS
    reader, _, _ = read([HEAD, chunk(first), chunk(first), chunk(third), chunk(third + END)])
    assert (reader.last_id, reader.lost, reader.doubled) == (4, 1, 2)


async def test_an_answer_without_a_stream_is_an_end() -> None:
    reader, _, heard = read([b"HTTP/1.1 204 No Content\r\n\r\n"])
    reader.connection_lost(None)
    assert (reader.status, heard) == (204, [])
    assert reader.ended.done()


async def test_a_quantile_is_one_of_the_values() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert [quantile(values, share) for share in (0.01, 0.5, 0.99, 1.0)] == [1, 50, 99, 100]
