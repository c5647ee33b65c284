"""A fair queue of trainings: readers take turns, so that no reader can block the others.

The algorithm is surplus round robin, a variant of deficit round robin (Shreedhar and Varghese,
"Efficient Fair Queuing Using Deficit Round Robin", 1996).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

# The work of one turn, in steps of the article's first figure, which has four trainings of 100
# steps. A reader's figure is thus served in one turn, and ten figures are served with others
# between them.
QUANTUM = 400.0

T = TypeVar("T")


@dataclass(slots=True)
class Line(Generic[T]):
    """One reader's waiting items with their work, and `credit`, the work left in the turn."""

    items: deque[tuple[T, float]] = field(default_factory=deque)
    credit: float = QUANTUM


class Turns(Generic[T]):
    """Items of many readers, served in surplus round robin.

    A reader's turn ends when items worth QUANTUM have been served. Work beyond QUANTUM is deducted
    from that reader's next turn. A reader without waiting items joins at the end.
    """

    def __init__(self) -> None:
        self._lines: dict[str, Line[T]] = {}  # by reader, in the order of turns
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return sum(len(line.items) for line in self._lines.values())

    def add(self, reader: str, item: T, work: float) -> None:
        """Appends an item to the reader's own queue."""
        self._lines.setdefault(reader, Line()).items.append((item, work))
        self._news.set()

    def remove(self, gone: Callable[[T], bool]) -> None:
        """Removes all items for which `matches` returns True."""
        for reader, line in list(self._lines.items()):
            line.items = deque(entry for entry in line.items if not gone(entry[0]))
            if not line.items:
                del self._lines[reader]

    def take(self) -> T:
        """Removes and returns the next item. The queue must not be empty."""
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
        """Removes and returns the next item; waits while the queue is empty."""
        while not self._lines:
            self._news.clear()
            await self._news.wait()
        return self.take()

    def order(self) -> Iterator[T]:
        """Yields all items in the order in which they will be served; the queue keeps them."""
        copy: Turns[T] = Turns()
        copy._lines = {
            reader: Line(line.items.copy(), line.credit) for reader, line in self._lines.items()
        }
        while copy._lines:
            yield copy.take()
