"""The same run for all who ask for the same; and runs that nobody waits for any more."""

import anyio
import pytest

from app.errors import Busy, NotRunOwner
from app.runs.run import Run
from app.runs.scheduler import REUSE_SECONDS, UNWATCHED_SECONDS, RunScheduler
from tests.support.fakes import FAKE, events_of, fake_runs, new_run, wait_end, wait_for
from tests.support.sse import event_names

pytestmark = pytest.mark.anyio


def ask_with_any_seed(runs: RunScheduler, reader: str, **values: int) -> Run:
    """As the page's form does: the seed is left open."""
    return runs.create(FAKE, FAKE.parse({"steps": 10, **values}), reader)


async def test_who_asks_for_the_same_watches_the_same_run() -> None:
    async with fake_runs() as (runs, engine):
        run = new_run(runs, "x", seed=7)
        assert new_run(runs, "y", seed=7) is run
        assert new_run(runs, "x", seed=7) is run  # a double click, without a key
        assert new_run(runs, "y", seed=8) is not run
        assert new_run(runs, "y", seed=7, seeds=2) is not run
        assert new_run(runs, "y", seed=7, steps=20) is not run
        (await engine.next_training()).emit_point()
        await wait_for(run, "points")
        assert new_run(runs, "z", seed=7) is run


async def test_who_asks_soon_after_its_end_gets_the_finished_run() -> None:
    async with fake_runs() as (runs, engine):
        run = new_run(runs, "x", seed=7)
        await engine.finish_trainings(2)
        await wait_end(run)
        assert new_run(runs, "y", seed=7) is run
        run.ended_at -= REUSE_SECONDS
        assert new_run(runs, "z", seed=7) is not run


async def test_who_had_the_run_and_asks_again_sees_it_repeated() -> None:
    async with fake_runs() as (runs, engine):
        run = new_run(runs, "x", seed=7)
        await engine.finish_trainings(2)
        await wait_end(run)
        assert new_run(runs, "x", seed=7) is not run


async def test_a_run_that_was_stopped_is_nobody_elses_answer() -> None:
    async with fake_runs() as (runs, _):
        run = new_run(runs, "x", seed=7)
        runs.stop(run, "x")
        assert new_run(runs, "y", seed=7) is not run


async def test_a_shared_run_ends_when_none_of_those_who_asked_wants_it() -> None:
    async with fake_runs() as (runs, engine):
        run = new_run(runs, "x", seed=7)
        new_run(runs, "y", seed=7)
        (await engine.next_training()).emit_point()
        await wait_for(run, "started")
        runs.stop(run, "x")
        assert (run.state, run.state_for("x"), run.state_for("y")) == (
            "running",
            "stopped",
            "running",
        )
        runs.stop(run, "x")  # again does no harm
        assert run.state == "running"
        with pytest.raises(NotRunOwner):
            runs.stop(run, "z")
        runs.stop(run, "y")
        assert run.state == "stopped"
        assert event_names(events_of(run)).count("done") == 1


async def test_who_left_a_shared_run_and_asks_again_gets_one_of_their_own() -> None:
    async with fake_runs() as (runs, _):
        run = new_run(runs, "x", seed=7)
        new_run(runs, "y", seed=7)
        runs.stop(run, "x")
        assert new_run(runs, "x", seed=7) is not run


async def test_when_full_an_open_seed_gets_a_run_that_is_on_its_way() -> None:
    async with fake_runs(queue_seconds=0) as (runs, _):
        run = new_run(runs, "x", seed=7)
        assert ask_with_any_seed(runs, "y") is run
        with pytest.raises(Busy):
            new_run(runs, "z", seed=8)  # this seed and no other
        with pytest.raises(Busy):
            ask_with_any_seed(runs, "z", steps=20)


async def test_when_there_is_room_an_open_seed_is_a_new_one() -> None:
    async with fake_runs() as (runs, _):
        seeds = {ask_with_any_seed(runs, reader).request.seed for reader in "xyzxyz"}
        assert len(seeds) == 6


async def test_one_address_leaves_part_of_the_queue_to_others() -> None:
    async with fake_runs(queue_seconds=60, address_share=0.5) as (runs, _):

        def ask(number: int, address: str) -> Run:
            request = FAKE.parse({"seed": number})
            return runs.create(FAKE, request, f"reader {number}", address=address)

        # Each is 200 steps, at first thought to take 8 s: beyond 30 s of the 60 after four.
        for number in range(4):
            ask(number, "10.0.0.1")
        with pytest.raises(Busy, match="address") as raised:
            ask(4, "10.0.0.1")
        assert raised.value.retry_after_s == 2
        ask(4, "10.0.0.2")


async def test_a_run_that_waits_while_nobody_looks_is_dropped() -> None:
    async with fake_runs() as (runs, engine):
        trains, waits = new_run(runs, "x"), new_run(runs, "y")
        (await engine.next_training()).emit_point()
        await wait_for(trains, "started")
        for run in (trains, waits):
            run.last_viewed_at -= UNWATCHED_SECONDS + 1
        runs.maintain()
        assert (trains.state, waits.state) == ("running", "stopped")
        assert events_of(waits)[-1].name == "done"


async def test_a_run_that_somebody_watches_or_looked_at_just_now_is_kept() -> None:
    async with fake_runs() as (runs, _):
        new_run(runs)
        watched, looked_at = new_run(runs), new_run(runs)
        with watched.watch():
            for run in (watched, looked_at):
                run.last_viewed_at -= UNWATCHED_SECONDS + 1
            await runs.find(looked_at.id)
            runs.maintain()
            assert (watched.state, looked_at.state) == ("queued", "queued")
        runs.maintain()  # its reader has left just now
        assert watched.state == "queued"


async def test_the_wait_is_told_anew_while_it_shrinks() -> None:
    async with fake_runs() as (runs, engine):
        new_run(runs, steps=400)
        waits = new_run(runs)
        before = events_of(waits)[-1].data
        (await engine.next_training()).emit_point(step=350)
        await anyio.wait_all_tasks_blocked()
        runs.maintain()
        after = events_of(waits)[-1].data
        assert after["position"] == 0 == before["position"] - 1
        assert after["eta_s"] < before["eta_s"] - 5


async def test_readers_take_turns() -> None:
    async with fake_runs() as (runs, engine):
        greedy = [new_run(runs, "greedy", steps=400) for _ in range(3)]
        modest = new_run(runs, "modest", steps=10)
        order = []
        for _ in range(4):
            training = await engine.next_training()
            order.append(training.spec.seed)
            training.end()
            await anyio.wait_all_tasks_blocked()
        seed = greedy[0].request.seed
        # One turn of 400 steps, then the other reader's whole run.
        assert order == [seed, modest.request.seed, modest.request.seed, seed]
