import anyio
import pytest

from app.events import Done, Queued
from app.runs.event_log import EventLog
from tests.support.sse import event_ids, parse_events

pytestmark = pytest.mark.anyio

DONE = Done("finished", 1.0)


def test_ids_count_from_one_without_a_gap() -> None:
    log = EventLog()
    for position in range(5):
        log.append(Queued(position, 0.0))
    log.append(DONE)
    assert event_ids(parse_events(log.read_after(0))) == [1, 2, 3, 4, 5, 6]
    assert len(log) == 6


def test_a_reader_gets_what_is_behind_its_last_id() -> None:
    log = EventLog()
    for position in range(4):
        log.append(Queued(position, 0.0))
    assert event_ids(parse_events(log.read_after(2))) == [3, 4]
    assert log.read_after(4) == b""


def test_done_closes_the_log() -> None:
    log = EventLog()
    log.append(Queued(0, 0.0))
    assert not log.closed
    log.append(DONE)
    assert log.closed


@pytest.mark.parametrize("late", [Queued(0, 0.0), DONE])
def test_nothing_comes_after_done(late: Queued | Done) -> None:
    log = EventLog()
    log.append(DONE)
    with pytest.raises(RuntimeError, match=late.name):
        log.append(late)
    assert event_ids(parse_events(log.read_after(0))) == [1]


async def test_news_come_to_whoever_waits_for_them() -> None:
    log = EventLog()
    woken = []

    async def wait(last_id: int) -> None:
        await log.wait_after(last_id)
        woken.append(last_id)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for last_id in (0, 0, 1):
                tasks.start_soon(wait, last_id)
            await anyio.wait_all_tasks_blocked()
            assert woken == []
            log.append(Queued(0, 0.0))
            await anyio.wait_all_tasks_blocked()
            assert woken == [0, 0]
            log.append(DONE)
    assert woken == [0, 0, 1]


async def test_nobody_waits_for_news_of_a_closed_log() -> None:
    log = EventLog()
    log.append(DONE)
    with anyio.fail_after(5):
        await log.wait_after(1)


async def test_readers_at_their_own_pace_all_get_everything() -> None:
    log = EventLog()
    got: dict[int, bytes] = {}

    async def read(reader: int) -> None:
        text, last_id = b"", 0
        while not (log.closed and last_id == len(log)):
            await log.wait_after(last_id)
            text += log.read_after(last_id)
            last_id = len(log)
            for _ in range(reader):  # the slower, the higher its number
                await anyio.lowlevel.checkpoint()
        got[reader] = text

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for reader in range(50):
                tasks.start_soon(read, reader)
            for position in range(20):
                log.append(Queued(position, 0.0))
                await anyio.lowlevel.checkpoint()
            log.append(DONE)
    assert len(got) == 50
    assert set(got.values()) == {log.read_after(0)}
