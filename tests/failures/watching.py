"""Runs watched with a clock in hand, and streams as bare sockets."""

import socket
import struct
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.support.http_client import stream_events
from tests.support.processes import TIMEOUT, Server, wait_until
from tests.support.sse import SseEvent

# Longest training on the server whose workers are stopped: some times what 20 steps take.
DEADLINE_SECONDS = 20
# A warm worker has 420 MB for itself there, and 40 steps add some ten.
WORKER_MEMORY_MB = 700


@dataclass(frozen=True)
class Told:
    """One event, and when it came (monotonic, in seconds)."""

    at: float
    event: SseEvent


def watch_with_clock(reader: httpx.Client, run_id: str) -> list[Told]:
    """All events of a run, to the end of its stream."""
    with stream_events(reader, run_id) as events:
        return [Told(monotonic(), event) for event in events]


def end_of(told: list[Told]) -> dict[str, Any]:
    """What the last event, which is `done`, says."""
    assert told[-1].event.name == "done"
    return told[-1].event.data


def open_stream(
    server: Server, path: str, *, small: bool = False, headers: str = ""
) -> socket.socket:
    """A reader of `path` that has asked, and reads nothing yet.

    With `small`, as one far away: over loopback a server's kernel alone would take 2.8 MB.
    """
    address = urlsplit(server.url)
    reader = socket.socket()
    if small:
        reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1_000)
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    reader.settimeout(TIMEOUT)
    reader.connect((address.hostname, address.port))
    reader.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n{headers}\r\n".encode())
    return reader


def abort(reader: socket.socket) -> None:
    """Closes as a lost reader does: with a reset, whatever was still under way."""
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    reader.close()


def rest_of(reader: socket.socket) -> bytes:
    """All that comes until the server closes."""
    return b"".join(iter(lambda: reader.recv(65_536), b""))


def wait_for_files(server: Server, most: int, seconds: float = TIMEOUT) -> None:
    """Returns once the server has no more descriptors open than that."""
    wait_until(lambda: server.open_files() <= most, f"no more than {most} descriptors", seconds)
