import pytest

from app.errors import Busy, TooManyRuns, WorkerLost
from app.events import ArmEnded, Done, Points, Row
from app.runs.counters import Histogram, RunCounters
from tests.support.fakes import fake_runs, new_run, wait_end, wait_for


def counts(counters: RunCounters) -> dict[str, object]:
    made = counters.snapshot(queued=2, running=1, promised_wait_s=3.5)
    return {name: getattr(made, name) for name in made.__slots__}


def test_a_value_on_a_bound_belongs_below_it() -> None:
    histogram = Histogram((1, 2))
    for value in (0, 1, 1.5, 2, 2.1, 100):
        histogram.observe(value)
    spread = histogram.snapshot()
    assert spread.counts == (2, 2, 2)
    assert spread.total == pytest.approx(106.6)


def test_what_was_read_does_not_change_any_more() -> None:
    histogram, counters = Histogram((1,)), RunCounters()
    spread, read = histogram.snapshot(), counts(counters)
    histogram.observe(0.5)
    counters.run_ended(Done("finished", 1.0))
    assert spread.counts == (0, 0)
    assert read["ended"] == {}


def test_who_is_admitted_and_who_is_not_is_told_apart() -> None:
    counters = RunCounters()
    for refusal in (Busy("full", 1), TooManyRuns("three", 1), TooManyRuns("three", 1)):
        counters.run_refused(refusal)
    counters.run_created()
    counters.run_shared()
    told = counts(counters)
    assert (told["created"], told["shared"]) == (1, 1)
    assert told["refused"] == {"busy": 1, "too_many": 2}


def test_events_points_and_trainings_are_counted() -> None:
    counters = RunCounters()
    counters.event_received(Points("a", 1, [0, 1, 2], {"loss": [1, 2, 3]}), 0.1)
    counters.event_received(Row("a", 1, 2, "inputs", 0, 1, [1, 2]), 0.2)
    counters.event_received(ArmEnded("a", 1, "diverged", {}), 1.5)
    told = counts(counters)
    assert (told["events"], told["points"]) == (3, 3)
    assert told["trainings"] == {"diverged": 1}
    assert sum(told["training_seconds"].counts) == 1  # type: ignore[attr-defined]


def test_a_failure_is_counted_with_its_code() -> None:
    counters = RunCounters()
    counters.run_ended(Done("failed", 1.0, "deadline", "too long", "abc"))
    counters.run_ended(Done("stopped", 1.0))
    told = counts(counters)
    assert told["ended"] == {"failed": 1, "stopped": 1}
    assert told["failed"] == {"deadline": 1}


@pytest.mark.anyio
async def test_a_run_is_counted_at_each_turn_of_its_life() -> None:
    async with fake_runs(runs_per_reader=2, queue_seconds=3600) as (runs, engine):
        first = new_run(runs, steps=400)
        waiting = new_run(runs, steps=400)
        with pytest.raises(TooManyRuns):
            new_run(runs)
        new_run(runs, "else", seed=first.request.seed, steps=400)
        training = await engine.next_training()
        training.emit_point()
        await wait_for(first, "started")
        now = runs.counts()
        assert (now.queued, now.running, now.created, now.shared) == (1, 1, 2, 1)
        assert now.refused == {"too_many": 1}
        assert now.promised_wait_s > 1
        assert sum(now.waits.counts) == 1

        training.end()
        runs.stop(waiting, "me")
        await engine.finish_trainings(1)
        await wait_end(first)
        after = runs.counts()
        assert (after.queued, after.running, after.promised_wait_s) == (0, 0, 0)
        assert after.ended == {"finished": 1, "stopped": 1}
        assert after.trainings == {"finished": 2}
        assert after.points == 3


@pytest.mark.anyio
async def test_a_run_that_fails_is_counted_once_though_two_trainings_fail() -> None:
    async with fake_runs(slots=2) as (runs, engine):
        run = new_run(runs)
        for training in (await engine.next_training(), await engine.next_training()):
            training.fail(WorkerLost("gone"))
        await wait_end(run)
        assert runs.counts().failed == {"worker_lost": 1}
