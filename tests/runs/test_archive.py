"""Finished runs outlive the server, whole or not at all."""

import asyncio
import math
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from app.errors import UnknownRun
from app.events import ArmEnded, Done, Event, Points, Queued, Row, Started, Verdict, decode, encode
from app.experiments import EXPERIMENTS
from app.experiments.catalogue.learning_rates import LEARNING_RATES
from app.runs import history
from app.runs.archive import Archive
from app.runs.history import MAX_CACHED_RUNS, RunHistory
from app.runs.run import Run
from app.runs.scheduler import RunScheduler
from app.settings import Settings
from app.store import Store
from tests.support.fakes import FakeEngine, new_run, wait_end
from tests.support.processes import TIMEOUT

pytestmark = pytest.mark.anyio

PLENTY = 10_000_000
# A figure of the page, so that its runs can be found again; nothing is trained.
FIGURE = LEARNING_RATES


@asynccontextmanager
async def serving(
    path: Path, max_bytes: int = PLENTY
) -> AsyncGenerator[tuple[RunScheduler, FakeEngine, Archive]]:
    """Runs on a toy engine with an archive in that file."""
    engine, archive = FakeEngine(), Archive(Store(path), max_bytes)
    settings = Settings.model_validate({"queue_seconds": 3600, "runs_per_reader": 100})
    runs = RunScheduler(engine, settings, archive)
    await runs.start()
    try:
        yield runs, engine, archive
    finally:
        with anyio.fail_after(TIMEOUT):
            await runs.close()


async def finished(runs: RunScheduler, engine: FakeEngine, **values: int) -> Run:
    """A run of a real figure, on the toy engine."""
    run = new_run(runs, "me", key=None, experiment=FIGURE, **values)
    await engine.finish_trainings(len(run.specs))
    await wait_end(run)
    return run


def kept(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        return [run_id for (run_id,) in connection.execute("SELECT id FROM runs ORDER BY number")]


async def test_a_finished_run_is_the_same_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with serving(path) as (runs, engine, _):
        before = await finished(runs, engine, seed=7, seeds=2)
    async with serving(path) as (runs, _, _):
        after = await runs.find(before.id)
        assert after is not before
        assert after.receipt() == before.receipt()
        assert after.measured.csv() == before.measured.csv()
        assert after.log.entries == before.log.entries
        assert after.verdict == before.verdict
        assert after.log.closed


async def test_a_run_is_on_the_disk_before_it_says_that_it_is_done(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with serving(path) as (runs, engine, _):
        run = new_run(runs, experiment=FIGURE)
        await engine.finish_trainings(len(run.specs))
        while not run.log.closed:
            assert not run.done
            await run.log.wait_after(len(run.log))
        assert kept(path) == [run.id]


async def test_a_run_that_did_not_finish_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with serving(path) as (runs, engine, _):
        stopped, failed = new_run(runs, experiment=FIGURE), new_run(runs, experiment=FIGURE)
        runs.stop(stopped, "me")
        (await engine.next_training()).fail(RuntimeError("a fault"))
        await wait_end(failed)
        done = await finished(runs, engine)
    assert kept(path) == [done.id]
    async with serving(path) as (runs, _, _):
        for run in (stopped, failed):
            with pytest.raises(UnknownRun):
                await runs.find(run.id)


async def test_the_oldest_runs_make_room_for_the_newest(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with serving(path) as (runs, engine, _):
        first = await finished(runs, engine)
    with sqlite3.connect(path) as connection:
        ((size,),) = connection.execute("SELECT bytes FROM runs")
    (tmp_path / "store.db").unlink()
    async with serving(path, max_bytes=int(3.5 * size)) as (runs, engine, _):
        made = [(await finished(runs, engine)).id for _ in range(6)]
    assert kept(path) == made[-3:]
    async with serving(path) as (runs, _, _):
        assert (await runs.find(made[-1])).id == made[-1]
        for expired in (first.id, made[0]):
            with pytest.raises(UnknownRun):
                await runs.find(expired)


async def test_a_run_that_left_the_memory_is_opened_from_the_disk_once_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path / "store.db") as (runs, engine, archive):
        run = await finished(runs, engine)
        for _ in range(MAX_CACHED_RUNS):
            runs.stop(new_run(runs), "me")
        looks = []
        load = archive.load

        async def counted(run_id: str) -> Run | None:
            looks.append(run_id)
            return await load(run_id)

        monkeypatch.setattr(archive, "load", counted)
        opened = await asyncio.gather(*(runs.find(run.id) for _ in range(50)))
        assert looks == [run.id]
        assert all(other is opened[0] for other in opened)
        assert opened[0].receipt() == run.receipt()


async def test_memory_is_bounded_by_bytes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(tmp_path / "store.db") as (runs, engine, _):
        first = await finished(runs, engine)
        monkeypatch.setattr(history, "MAX_CACHED_BYTES", first.log.size_bytes)
        await finished(runs, engine)
        assert await runs.find(first.id) is not first  # from the disk


@pytest.mark.parametrize("how", ["locked", "no folder"])
async def test_a_store_that_is_out_of_use_loses_no_finished_run(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The runs end all the same, can be opened, and are on the disk once that works again."""
    path = tmp_path / "folder" / "store.db"
    async with serving(path) as (runs, engine, archive):
        if how == "locked":
            await finished(runs, engine)
            other = sqlite3.connect(path, isolation_level=None)
            other.execute("BEGIN EXCLUSIVE")
        else:
            path.parent.write_text("a file in the folder's place")
        made = [await finished(runs, engine) for _ in range(3)]
        assert archive.problem
        for _ in range(MAX_CACHED_RUNS):
            runs.stop(new_run(runs), "me")
        assert (await runs.find(made[0].id)).receipt() == made[0].receipt()
        if how == "locked":
            other.close()
        else:
            path.parent.unlink()
    assert {run.id for run in made} <= set(kept(path))
    assert len([record for record in caplog.records if "can't be used" in record.message]) == 1


async def test_a_run_from_the_disk_is_no_answer_to_who_asks_for_the_same(tmp_path: Path) -> None:
    """It may have been made long ago, by other versions."""
    path = tmp_path / "store.db"
    async with serving(path) as (runs, engine, _):
        before = await finished(runs, engine, seed=7)
    async with serving(path) as (runs, _, _):
        opened = await runs.find(before.id)
        assert new_run(runs, "you", experiment=FIGURE, seed=7) is not opened


async def test_a_run_may_be_saved_by_two_at_once(tmp_path: Path) -> None:
    """By its own end, and by whoever tries again with all that is left."""
    store = Store(tmp_path / "store.db")
    kept_runs = RunHistory(Archive(store, PLENTY))
    made = [Run(FIGURE, FIGURE.parse({"seed": seed})) for seed in range(5)]
    done = Done("finished", 1.0)
    async with anyio.create_task_group() as tasks:
        for run in made:
            tasks.start_soon(kept_runs.save, run, done)
        await anyio.lowlevel.checkpoint()
        tasks.start_soon(kept_runs.retry_unsaved)
    assert sorted(kept(store.path)) == sorted(run.id for run in made)


async def test_runs_of_a_figure_or_a_setting_that_is_no_more_are_unknown(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    async with serving(path) as (runs, engine, _):
        run, other = await finished(runs, engine), await finished(runs, engine)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE runs SET slug = 'gone' WHERE id = ?", [run.id])
        connection.execute("UPDATE runs SET request = '{\"gone\": 1}' WHERE id = ?", [other.id])
    async with serving(path) as (runs, _, _):
        for old in (run, other):
            with pytest.raises(UnknownRun):
                await runs.find(old.id)


def test_an_event_that_is_decoded_is_the_one_that_was_encoded() -> None:
    events: list[Event] = [
        Queued(3, 1.5),
        Started("id", "slug", 1, 2, ["a"], 10, "cpu"),
        Points("a", 1, [0, 2], {"loss": [0.1 + 0.2, math.inf], "n": [1, 2]}),
        Row("a", 1, 10, "surface", -1.0, 1.0, [1.0, math.nan], y=0.25),
        Row("a", 1, 10, "line", -1.0, 1.0, [1e-300, 5e-324]),
        ArmEnded("a", 1, "diverged", {"loss": math.nan}),
        Verdict(None, "nothing – γ", {"a": 1.0}),
        Done("failed", 1.25, "memory", "message", "reference"),
        Done("finished", 2.0),
    ]
    for number, event in enumerate(events, 1):
        wire = encode(event, number)
        assert encode(decode(wire), number) == wire
    assert decode(encode(events[0], 1)) == events[0]
    assert decode(encode(events[-1], 1)) == events[-1]


def test_every_figure_can_be_asked_for_again_from_what_is_kept() -> None:
    for experiment in EXPERIMENTS.values():
        request = experiment.parse({"seed": 3})
        assert experiment.parse(request.model_dump()).same_as(request)
        assert not replace(experiment, slug="x").parse({"seed": 4}).same_as(request)
