"""What each side streams: one training's points, ten a second, each saying when it was due."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from time import monotonic
from typing import Generic, TypeVar

import uvicorn
from starlette.types import ASGIApp

from app.events import Points

EVENTS_A_SECOND = 10
# The metric that holds the due time, in seconds of the clock that all processes here share.
DUE = "due"
STEPS = 400

T = TypeVar("T")


async def points(arm: str, seed: int) -> AsyncGenerator[Points, None]:
    """Points of the shape that the first figure has, for ever.

    A process that falls behind makes the missing ones up at once, so that what a reader waits
    counts from when an event was due, and not from when the process found the time.
    """
    due = monotonic()
    for step in range(1_000_000):
        values = {"test_loss": 2.302585 / (1 + step), "test_accuracy": 0.9182, "dead_units": 0.125}
        listed = {name: [value] for name, value in values.items()}
        yield Points(arm, seed, [min(step, STEPS)], {**listed, DUE: [due]})
        due += 1 / EVENTS_A_SECOND
        await asyncio.sleep(max(0.0, due - monotonic()))


class Feed(Generic[T]):
    """A shared list and an event: the least that any number of readers need."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self.closed = False
        self._news = asyncio.Event()

    def add(self, item: T, *, last: bool = False) -> None:
        """Adds an item and wakes all who wait."""
        self.items.append(item)
        self.closed = last
        self._news.set()
        self._news = asyncio.Event()

    async def behind(self, count: int) -> list[T]:
        """What came after the first `count` items; waits for it; empty at the end."""
        while len(self.items) <= count and not self.closed:
            await self._news.wait()
        return self.items[count:]


def serve(app: ASGIApp) -> None:
    """uvicorn with the settings that ours has, on a free port, which it prints as ours does."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(f"Reading at http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, server_header=False, access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[listener])
