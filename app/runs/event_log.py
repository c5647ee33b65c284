"""An append-only log of encoded events, which any number of streams read independently."""

import asyncio

from app.events import Done, Event, encode


class EventLog:
    """The events of one run, with ids 1, 2, 3, … `Done` closes the log.

    An event is encoded once, when it is appended. A stream is a cursor (the last id that it sent)
    and has no queue of its own, so that a slow reader costs no memory.
    """

    def __init__(self) -> None:
        self.entries: list[bytes] = []  # read-only for others
        self.size_bytes = 0
        self._changed = asyncio.Event()
        self.closed = False

    def __len__(self) -> int:
        return len(self.entries)

    def append(self, event: Event) -> None:
        """Appends an event under the next id and wakes all waiting streams."""
        if self.closed:
            raise RuntimeError(f"{event.name!r} came after the end of the log")
        self.entries.append(encode(event, len(self) + 1))
        self.size_bytes += len(self.entries[-1])
        self.closed = isinstance(event, Done)
        self._changed.set()
        self._changed = asyncio.Event()

    def read_after(self, last_id: int) -> bytes:
        """All events after `last_id`, encoded for the stream; empty if there are none yet."""
        return b"".join(self.entries[last_id:])

    async def wait_after(self, last_id: int) -> None:
        """Waits until there is an event after `last_id`, or the log is closed."""
        while len(self) <= last_id and not self.closed:
            await self._changed.wait()
