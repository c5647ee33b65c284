"""An append-only log of encoded events, which any number of streams read at their own pace."""

import asyncio

from app.events import Done, Event, encode


class Log:
    """Ids are 1, 2, 3, …; an event is encoded once, when it enters; `Done` closes the log.

    A reader is a cursor (the last id it has), not a queue of its own: a slow one costs nobody
    anything.
    """

    def __init__(self) -> None:
        self.entries: list[bytes] = []  # to look at, not to change
        self.size = 0  # bytes
        self._news = asyncio.Event()
        self.closed = False

    def __len__(self) -> int:
        return len(self.entries)

    def append(self, event: Event) -> None:
        """Adds an event under the next id and wakes those who wait."""
        if self.closed:
            raise RuntimeError(f"{event.name!r} came after the end of the log")
        self.entries.append(encode(event, len(self) + 1))
        self.size += len(self.entries[-1])
        self.closed = isinstance(event, Done)
        self._news.set()
        self._news = asyncio.Event()

    def since(self, last_id: int) -> bytes:
        """All events behind `last_id`, in the wire's form; empty if there are none yet."""
        return b"".join(self.entries[last_id:])

    async def news(self, last_id: int) -> None:
        """Returns when there is an event behind `last_id`, or the log is closed."""
        while len(self) <= last_id and not self.closed:
            await self._news.wait()
