"""The same run for all who ask for the same; and runs that nobody waits for any more."""

import anyio
import pytest

from app.errors import Busy, NotRunOwner
from app.runs.run import Run
from app.runs.scheduler import REUSE_SECONDS, UNWATCHED_SECONDS, RunScheduler
from tests.support.fakes import TOY, create, end_of, heard, serving_toys, until
from tests.support.sse import names

pytestmark = pytest.mark.anyio


def ask_with_any_seed(runs: RunScheduler, reader: str, **values: int) -> Run:
    """As the page's form does: the seed is left open."""
    return runs.create(TOY, TOY.parse({"steps": 10, **values}), reader)


async def test_who_asks_for_the_same_watches_the_same_run() -> None:
    async with serving_toys() as (runs, engine):
        run = create(runs, "x", seed=7)
        assert create(runs, "y", seed=7) is run
        assert create(runs, "x", seed=7) is run  # a double click, without a key
        assert create(runs, "y", seed=8) is not run
        assert create(runs, "y", seed=7, seeds=2) is not run
        assert create(runs, "y", seed=7, steps=20) is not run
        (await engine.begun()).point()
        await until(run, "points")
        assert create(runs, "z", seed=7) is run


async def test_who_asks_soon_after_its_end_gets_the_finished_run() -> None:
    async with serving_toys() as (runs, engine):
        run = create(runs, "x", seed=7)
        await engine.finish(2)
        await end_of(run)
        assert create(runs, "y", seed=7) is run
        run.ended_at -= REUSE_SECONDS
        assert create(runs, "z", seed=7) is not run


async def test_who_had_the_run_and_asks_again_sees_it_repeated() -> None:
    async with serving_toys() as (runs, engine):
        run = create(runs, "x", seed=7)
        await engine.finish(2)
        await end_of(run)
        assert create(runs, "x", seed=7) is not run


async def test_a_run_that_was_stopped_is_nobody_elses_answer() -> None:
    async with serving_toys() as (runs, _):
        run = create(runs, "x", seed=7)
        runs.stop(run, "x")
        assert create(runs, "y", seed=7) is not run


async def test_a_shared_run_ends_when_none_of_those_who_asked_wants_it() -> None:
    async with serving_toys() as (runs, engine):
        run = create(runs, "x", seed=7)
        create(runs, "y", seed=7)
        (await engine.begun()).point()
        await until(run, "started")
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
        assert names(heard(run)).count("done") == 1


async def test_who_left_a_shared_run_and_asks_again_gets_one_of_their_own() -> None:
    async with serving_toys() as (runs, _):
        run = create(runs, "x", seed=7)
        create(runs, "y", seed=7)
        runs.stop(run, "x")
        assert create(runs, "x", seed=7) is not run


async def test_when_full_an_open_seed_gets_a_run_that_is_on_its_way() -> None:
    async with serving_toys(queue_seconds=0) as (runs, _):
        run = create(runs, "x", seed=7)
        assert ask_with_any_seed(runs, "y") is run
        with pytest.raises(Busy):
            create(runs, "z", seed=8)  # this seed and no other
        with pytest.raises(Busy):
            ask_with_any_seed(runs, "z", steps=20)


async def test_when_there_is_room_an_open_seed_is_a_new_one() -> None:
    async with serving_toys() as (runs, _):
        seeds = {ask_with_any_seed(runs, reader).request.seed for reader in "xyzxyz"}
        assert len(seeds) == 6


async def test_one_address_leaves_part_of_the_queue_to_others() -> None:
    async with serving_toys(queue_seconds=60, address_share=0.5) as (runs, _):

        def ask(number: int, address: str) -> Run:
            request = TOY.parse({"seed": number})
            return runs.create(TOY, request, f"reader {number}", address=address)

        # Each is 200 steps, at first thought to take 8 s: beyond 30 s of the 60 after four.
        for number in range(4):
            ask(number, "10.0.0.1")
        with pytest.raises(Busy, match="address") as raised:
            ask(4, "10.0.0.1")
        assert raised.value.retry_after_s == 2
        ask(4, "10.0.0.2")


async def test_a_run_that_waits_while_nobody_looks_is_dropped() -> None:
    async with serving_toys() as (runs, engine):
        trains, waits = create(runs, "x"), create(runs, "y")
        (await engine.begun()).point()
        await until(trains, "started")
        for run in (trains, waits):
            run.last_viewed_at -= UNWATCHED_SECONDS + 1
        runs.maintain()
        assert (trains.state, waits.state) == ("running", "stopped")
        assert heard(waits)[-1].name == "done"


async def test_a_run_that_somebody_watches_or_looked_at_just_now_is_kept() -> None:
    async with serving_toys() as (runs, _):
        create(runs)
        watched, looked_at = create(runs), create(runs)
        with watched.watch():
            for run in (watched, looked_at):
                run.last_viewed_at -= UNWATCHED_SECONDS + 1
            await runs.find(looked_at.id)
            runs.maintain()
            assert (watched.state, looked_at.state) == ("queued", "queued")
        runs.maintain()  # its reader has left just now
        assert watched.state == "queued"


async def test_the_wait_is_told_anew_while_it_shrinks() -> None:
    async with serving_toys() as (runs, engine):
        create(runs, steps=400)
        waits = create(runs)
        before = heard(waits)[-1].data
        (await engine.begun()).point(step=350)
        await anyio.wait_all_tasks_blocked()
        runs.maintain()
        after = heard(waits)[-1].data
        assert after["position"] == 0 == before["position"] - 1
        assert after["eta_s"] < before["eta_s"] - 5


async def test_readers_take_turns() -> None:
    async with serving_toys() as (runs, engine):
        greedy = [create(runs, "greedy", steps=400) for _ in range(3)]
        modest = create(runs, "modest", steps=10)
        order = []
        for _ in range(4):
            training = await engine.begun()
            order.append(training.spec.seed)
            training.end()
            await anyio.wait_all_tasks_blocked()
        seed = greedy[0].request.seed
        # One turn of 400 steps, then the other reader's whole run.
        assert order == [seed, modest.request.seed, modest.request.seed, seed]
