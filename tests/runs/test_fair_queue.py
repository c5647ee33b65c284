"""Who is next."""

import asyncio
from collections import Counter

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.runs.fair_queue import QUANTUM, FairQueue

Asked = list[tuple[str, int, float]]


def filled(*asked: tuple[str, int, float]) -> FairQueue[str]:
    """(reader, how many items, work of each) in the order in which they came."""
    queue: FairQueue[str] = FairQueue()
    for reader, count, work in asked:
        for number in range(count):
            queue.put(reader, f"{reader}{number}", work)
    return queue


def taken(queue: FairQueue[str]) -> list[str]:
    return [queue.get_nowait() for _ in range(len(queue))]


def test_one_reader_is_served_in_the_order_of_asking() -> None:
    assert taken(filled(("x", 3, 100.0))) == ["x0", "x1", "x2"]


def test_a_turn_is_a_whole_figure_and_then_the_next_reader_has_one() -> None:
    queue = filled(("x", 8, QUANTUM / 4), ("y", 4, QUANTUM / 4))
    assert taken(queue) == [
        *("x0", "x1", "x2", "x3"),
        *("y0", "y1", "y2", "y3"),
        *("x4", "x5", "x6", "x7"),
    ]


def test_what_was_taken_beyond_a_turn_is_missing_from_the_next() -> None:
    heavy = filled(("x", 3, 3 * QUANTUM), ("y", 9, QUANTUM))
    order = taken(heavy)
    assert order[:6] == ["x0", "y0", "y1", "y2", "x1", "y3"]


def test_who_comes_anew_stands_at_the_end() -> None:
    queue = filled(("x", 1, QUANTUM), ("y", 1, QUANTUM))
    assert queue.get_nowait() == "x0"
    queue.put("x", "x again", QUANTUM)
    assert taken(queue) == ["y0", "x again"]


def test_what_is_removed_is_not_taken() -> None:
    queue = filled(("x", 2, 1.0), ("y", 2, 1.0))
    queue.remove_if(lambda item: item.startswith("x") or item == "y0")
    assert taken(queue) == ["y1"]


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(1, 5), st.floats(1, 3 * QUANTUM)),
        max_size=8,
    )
)
@settings(deadline=None, derandomize=True)
def test_the_order_told_is_the_order_taken_and_all_are_served(asked: Asked) -> None:
    queue = filled(*asked)
    told = list(queue.upcoming())
    assert told == taken(queue)
    assert Counter(item[0] for item in told) == Counter(
        {reader: sum(n for r, n, _ in asked if r == reader) for reader, _, _ in asked}
    )


@given(st.integers(1, 40), st.floats(1, QUANTUM))
@settings(deadline=None, derandomize=True)
def test_however_much_one_asks_for_another_waits_for_two_of_their_turns_at_most(
    many: int, work: float
) -> None:
    """Half of the work that is done is the other's, up to one item and one turn."""
    queue = filled(("greedy", many, work), ("y", 10, work))
    ahead = 0
    others = 0
    for item in taken(queue):
        if item.startswith("y"):
            others += 1
        elif others < 10:
            ahead += 1
        assert ahead * work <= others * work + QUANTUM + 2 * work


@pytest.mark.anyio
async def test_everybody_who_waits_for_an_item_gets_one_of_their_own() -> None:
    queue: FairQueue[str] = FairQueue()
    waiting = [asyncio.create_task(queue.get()) for _ in range(3)]
    await anyio.wait_all_tasks_blocked()
    queue.put("x", "x0", 1.0)
    queue.put("y", "y0", 1.0)
    await anyio.wait_all_tasks_blocked()
    assert [task.done() for task in waiting] == [True, True, False]
    queue.put("x", "x1", 1.0)
    assert {await task for task in waiting} == {"x0", "y0", "x1"}
