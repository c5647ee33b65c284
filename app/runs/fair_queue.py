"""Who is next: readers take turns, so that one who asks for much keeps nobody waiting long."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

# The work of one turn, in steps of the article's first figure, which has four trainings of 100:
# whoever asks for one figure gets it whole, and whoever asks for ten lets others in between.
QUANTUM = 400.0

T = TypeVar("T")


@dataclass(slots=True)
class Line(Generic[T]):
    """What one reader waits for: items, each with its work. `credit`: what is left of a turn."""

    items: deque[tuple[T, float]] = field(default_factory=deque)
    credit: float = QUANTUM


class Turns(Generic[T]):
    """Items of many readers, taken in surplus round robin.

    A reader's turn ends when items of QUANTUM work were taken; what was taken beyond it is
    missing from their next turn. Whoever comes anew stands at the end.
    """

    def __init__(self) -> None:
        self._lines: dict[str, Line[T]] = {}  # in the order of their turns
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return sum(len(line.items) for line in self._lines.values())

    def add(self, reader: str, item: T, work: float) -> None:
        """Puts an item behind what that reader waits for already."""
        self._lines.setdefault(reader, Line()).items.append((item, work))
        self._news.set()

    def remove(self, gone: Callable[[T], bool]) -> None:
        """Takes away the items of which that is true."""
        for reader, line in list(self._lines.items()):
            line.items = deque(entry for entry in line.items if not gone(entry[0]))
            if not line.items:
                del self._lines[reader]

    def take(self) -> T:
        """The next item, which there must be."""
        while True:
            reader, line = next(iter(self._lines.items()))
            if line.credit > 0:
                break
            line.credit += QUANTUM
            self._lines[reader] = self._lines.pop(reader)
        item, work = line.items.popleft()
        line.credit -= work
        if not line.items:
            del self._lines[reader]
        return item

    async def next(self) -> T:
        """The next item; waits for one."""
        while not self._lines:
            self._news.clear()
            await self._news.wait()
        return self.take()

    def order(self) -> Iterator[T]:
        """All items as they would be taken if none were added or removed."""
        copy: Turns[T] = Turns()
        copy._lines = {
            reader: Line(line.items.copy(), line.credit) for reader, line in self._lines.items()
        }
        while copy._lines:
            yield copy.take()
