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
class ReaderQueue(Generic[T]):
    """One reader's waiting items with their work, and `credit`, the work left in the turn."""

    items: deque[tuple[T, float]] = field(default_factory=deque)
    credit: float = QUANTUM


class FairQueue(Generic[T]):
    """Items of many readers, served in surplus round robin.

    A reader's turn ends when items worth QUANTUM have been served. Work beyond QUANTUM is deducted
    from that reader's next turn. A reader without waiting items joins at the end.
    """

    def __init__(self) -> None:
        self._queues: dict[str, ReaderQueue[T]] = {}  # by reader, in the order of turns
        self._item_added = asyncio.Event()

    def __len__(self) -> int:
        return sum(len(queue.items) for queue in self._queues.values())

    def put(self, reader: str, item: T, work: float) -> None:
        """Appends an item to the reader's own queue."""
        self._queues.setdefault(reader, ReaderQueue()).items.append((item, work))
        self._item_added.set()

    def remove_if(self, matches: Callable[[T], bool]) -> None:
        """Removes all items for which `matches` returns True."""
        for reader, queue in list(self._queues.items()):
            queue.items = deque(entry for entry in queue.items if not matches(entry[0]))
            if not queue.items:
                del self._queues[reader]

    def get_nowait(self) -> T:
        """Removes and returns the next item. The queue must not be empty."""
        while True:
            reader, queue = next(iter(self._queues.items()))
            if queue.credit > 0:
                break
            queue.credit += QUANTUM
            self._queues[reader] = self._queues.pop(reader)
        item, work = queue.items.popleft()
        queue.credit -= work
        if not queue.items:
            del self._queues[reader]
        return item

    async def get(self) -> T:
        """Removes and returns the next item; waits while the queue is empty."""
        while not self._queues:
            self._item_added.clear()
            await self._item_added.wait()
        return self.get_nowait()

    def upcoming(self) -> Iterator[T]:
        """Yields all items in the order in which they will be served; the queue keeps them."""
        copy: FairQueue[T] = FairQueue()
        copy._queues = {
            reader: ReaderQueue(queue.items.copy(), queue.credit)
            for reader, queue in self._queues.items()
        }
        while copy._queues:
            yield copy.get_nowait()
