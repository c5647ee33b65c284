"""Many readers at once, each on a connection of its own and at little cost to this process."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.support.http_client import RUNS_PATH
from tests.support.processes import Server


@dataclass(frozen=True)
class Answer:
    """What one reader was told, and after how many seconds."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]
    seconds: float


def ask_at_once(server: Server, bodies: list[dict[str, object]]) -> list[Answer]:
    """All POSTs for runs, sent at the same moment over connections that are open already."""
    return asyncio.run(_ask_at_once(server, bodies))


async def _ask_at_once(server: Server, bodies: list[dict[str, object]]) -> list[Answer]:
    address = urlsplit(server.url)
    connections = [await asyncio.open_connection(address.hostname, address.port) for _ in bodies]
    start = time.monotonic()
    for (_, writer), body in zip(connections, bodies, strict=True):
        content = json.dumps(body).encode()
        writer.write(
            f"POST {RUNS_PATH} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n".encode()
            + content
        )
    answers = await asyncio.gather(*(_read(reader, start) for reader, _ in connections))
    for _, writer in connections:
        writer.close()
    return answers


async def _read(reader: asyncio.StreamReader, start: float) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    seconds = time.monotonic() - start
    status, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(status.split()[1]), headers, json.loads(await reader.read()), seconds)
