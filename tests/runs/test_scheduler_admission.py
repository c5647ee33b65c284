"""Who gets in, who waits, and how long they are told to."""

import gc
import math
import weakref

import anyio
import pytest

from app.errors import Busy, InvalidRequest, TooManyRuns, UnknownRun
from app.events import Queued
from app.runs.history import MAX_CACHED_RUNS
from app.runs.run import Run
from tests.support.fakes import events_of, fake_runs, new_run, wait_end, wait_for

pytestmark = pytest.mark.anyio


def promise(run: Run) -> Queued:
    """What the run was told last about its wait."""
    assert run.queued is not None
    return run.queued


def places(run: Run) -> list[int]:
    """All places in the line that the run was told."""
    return [event.data["position"] for event in events_of(run) if event.name == "queued"]


async def test_each_waiting_run_is_told_its_place_whenever_it_changes() -> None:
    async with fake_runs() as (runs, engine):
        first, second, third = (new_run(runs, reader) for reader in "xyz")
        await engine.finish_trainings(2)
        await wait_end(first)
        (await engine.next_training()).emit_point()
        await wait_for(second, "started")
        await anyio.wait_all_tasks_blocked()
        assert [places(run) for run in (first, second, third)] == [[0], [1, 0], [2, 1, 0]]


async def test_a_place_gets_better_when_somebody_ahead_stops() -> None:
    async with fake_runs() as (runs, _):
        new_run(runs)
        ahead, waiting = new_run(runs), new_run(runs)
        runs.stop(ahead, "me")
        assert places(waiting) == [2, 1]


async def test_the_promised_wait_is_the_work_ahead() -> None:
    async with fake_runs() as (runs, _):
        one, two, three, four = (promise(new_run(runs, steps=n)).eta_s for n in (100, 200, 400, 10))
        assert one == 0
        assert two > 0
        assert three == pytest.approx(3 * two, abs=0.2)
        assert four == pytest.approx(7 * two, abs=0.4)


async def test_two_slots_halve_the_promised_wait() -> None:
    waits = []
    for slots in (1, 2):
        async with fake_runs(slots) as (runs, _):
            new_run(runs, steps=400)
            waits.append(promise(new_run(runs)).eta_s)
    assert waits[1] == pytest.approx(waits[0] / 2, abs=0.1)


async def test_work_that_is_done_shortens_the_promised_wait() -> None:
    async with fake_runs() as (runs, engine):
        ahead = new_run(runs, steps=400)
        before = promise(new_run(runs, steps=100)).eta_s  # behind 800 steps
        (await engine.next_training()).emit_point(step=200)
        await wait_for(ahead, "points")
        assert promise(new_run(runs)).eta_s == pytest.approx(before, abs=0.1)  # 600 and 200
        runs.stop(ahead, "me")
        assert promise(new_run(runs)).eta_s == pytest.approx(before * 220 / 800, abs=0.1)


async def test_the_promised_wait_learns_from_real_trainings() -> None:
    async with fake_runs() as (runs, engine):
        first = new_run(runs, steps=400)
        guessed = promise(new_run(runs, steps=400)).eta_s
        await engine.finish_trainings(4)  # in no time
        await wait_end(first)
        new_run(runs, steps=400)
        assert promise(new_run(runs)).eta_s < guessed


async def test_the_same_key_gives_the_same_run() -> None:
    async with fake_runs() as (runs, _):
        first = new_run(runs, key="k", seed=1)
        assert new_run(runs, key="k", seed=1) is first
        assert new_run(runs, key="other") is not first
        assert new_run(runs) is not new_run(runs)


async def test_a_key_keeps_no_run_that_is_forgotten() -> None:
    async with fake_runs() as (runs, _):
        first = weakref.ref(new_run(runs, key="k", seed=1))
        runs.stop(first(), "me")  # type: ignore[arg-type]
        for _ in range(MAX_CACHED_RUNS):
            runs.stop(new_run(runs), "me")
        await anyio.wait_all_tasks_blocked()
        gc.collect()
        assert first() is None
        new_run(runs, key="k", seed=2)  # the key is free again


async def test_a_key_is_good_for_one_request() -> None:
    async with fake_runs() as (runs, _):
        new_run(runs, key="k", seed=1)
        with pytest.raises(InvalidRequest, match="Idempotency-Key"):
            new_run(runs, key="k", seed=2)


async def test_a_key_still_means_its_run_when_nobody_else_gets_in() -> None:
    async with fake_runs(runs_per_reader=1, queue_seconds=0) as (runs, _):
        run = new_run(runs, key="k", seed=1)
        with pytest.raises(Busy):
            new_run(runs, key="another")
        assert new_run(runs, key="k", seed=1) is run
        runs.stop(run, "me")
        assert new_run(runs, key="k", seed=1) is run


async def test_a_wait_beyond_the_bound_is_refused_and_says_when_to_come_back() -> None:
    async with fake_runs() as (runs, _):
        new_run(runs, steps=400)
        wait = promise(new_run(runs, steps=400)).eta_s  # for 800 steps
    bound = math.floor(1.5 * wait)
    async with fake_runs(queue_seconds=bound) as (runs, _):
        for reader in "xy":
            new_run(runs, reader, steps=400)
        with pytest.raises(Busy) as raised:
            new_run(runs, "z")
        assert not isinstance(raised.value, TooManyRuns)
        assert raised.value.retry_after_s == math.ceil(2 * wait - bound)


async def test_there_is_room_again_when_somebody_leaves() -> None:
    async with fake_runs(queue_seconds=0) as (runs, _):
        first = new_run(runs)
        with pytest.raises(Busy):
            new_run(runs, "you")
        runs.stop(first, "me")
        assert new_run(runs, "you").state == "queued"


async def test_a_reader_holds_only_so_many_runs_at_a_time() -> None:
    async with fake_runs(runs_per_reader=2) as (runs, engine):
        first, _ = new_run(runs), new_run(runs)
        with pytest.raises(TooManyRuns) as raised:
            new_run(runs)
        assert raised.value.retry_after_s >= 1
        assert isinstance(raised.value.retry_after_s, int)
        new_run(runs, "you")
        await engine.finish_trainings(2)
        await wait_end(first)
        new_run(runs)  # an ended run counts no more


async def test_nobody_gets_in_while_the_engine_has_a_problem() -> None:
    async with fake_runs() as (runs, engine):
        engine.problem = "data file missing: train-images-idx3-ubyte.gz"
        with pytest.raises(Busy) as raised:
            new_run(runs)
        assert raised.value.retry_after_s >= 1
        assert runs.health().problem == engine.problem
        engine.problem = None
        new_run(runs)


async def test_a_refused_run_leaves_nothing_behind() -> None:
    async with fake_runs(runs_per_reader=1) as (runs, engine):
        admitted = new_run(runs)
        with pytest.raises(Busy):
            new_run(runs)
        await engine.finish_trainings(2)
        await wait_end(admitted)
        await anyio.wait_all_tasks_blocked()
        assert engine.started_trainings() == []


async def test_the_oldest_ended_runs_are_forgotten_and_no_live_one() -> None:
    async with fake_runs() as (runs, _):
        alive = new_run(runs)
        ended = [new_run(runs, steps=10) for _ in range(3)]
        for run in ended:
            runs.stop(run, "me")
        for _ in range(MAX_CACHED_RUNS):
            runs.stop(new_run(runs), "me")
        new_run(runs)
        for run in ended:
            with pytest.raises(UnknownRun):
                await runs.find(run.id)
        assert await runs.find(alive.id) is alive
