import hashlib
import logging
from collections.abc import AsyncGenerator
from dataclasses import replace

import anyio
import pytest

from app.errors import DeadlineExceeded, NotRunOwner, TrainingFailed, UnknownRun, WorkerLost
from app.logging_config import TextFormatter
from app.runs.scheduler import FAILURE_MESSAGES, RunScheduler
from tests.support.fakes import FAKE, FakeEngine, events_of, fake_runs, new_run, wait_end, wait_for
from tests.support.sse import event_ids, event_names

pytestmark = pytest.mark.anyio


@pytest.fixture
async def toys() -> AsyncGenerator[tuple[RunScheduler, FakeEngine], None]:
    """With one slot."""
    async with fake_runs() as made:
        yield made


@pytest.fixture
def runs(toys: tuple[RunScheduler, FakeEngine]) -> RunScheduler:
    return toys[0]


@pytest.fixture
def engine(toys: tuple[RunScheduler, FakeEngine]) -> FakeEngine:
    return toys[1]


async def test_a_run_tells_its_story_once_and_in_order(
    runs: RunScheduler, engine: FakeEngine
) -> None:
    run = new_run(runs)
    assert run.state == "queued"
    training = await engine.next_training()
    training.emit_point()
    await wait_for(run, "started")
    assert run.state == "running"
    training.end()
    await engine.finish_trainings(1)
    events = await wait_end(run)
    assert event_names(events) == [
        *("queued", "started"),
        *("points", "points", "arm"),
        *("points", "arm"),
        *("verdict", "done"),
    ]
    assert event_ids(events) == list(range(1, 10))
    assert run.state == "finished"


async def test_started_says_what_will_be_trained_and_where(
    runs: RunScheduler, engine: FakeEngine
) -> None:
    run = new_run(runs, seed=7, seeds=2, steps=20)
    (await engine.next_training()).emit_point()
    events = await wait_for(run, "started")
    assert events[1].data == {
        "run": run.id,
        "slug": "toy",
        "seed": 7,
        "seeds": 2,
        "arms": ["a", "b"],
        "steps": 20,
        "device": "abacus",
    }


async def test_trainings_go_seed_by_seed(runs: RunScheduler, engine: FakeEngine) -> None:
    new_run(runs, seed=5, seeds=2)
    begun = []
    for _ in range(4):
        training = await engine.next_training()
        begun.append((training.spec.seed, training.spec.arm))
        training.end()
    assert begun == [(5, "a"), (5, "b"), (6, "a"), (6, "b")]


async def test_on_a_gpu_trainings_that_are_alike_go_side_by_side() -> None:
    async with fake_runs() as (runs, engine):
        engine.side_by_side = "batched"
        run = new_run(runs, seed=5, seeds=2, steps=10)
        assert run.steps_left == 40
        training = await engine.next_training()
        members = [(spec.seed, spec.arm) for spec in training.spec.members]
        assert members == [(5, "a"), (5, "b"), (6, "a"), (6, "b")]
        training.end(accuracy=0.75)
        await wait_for(run, "done")
        assert run.state == "finished"
        assert run.steps_left == 0
        assert {
            run.measured.end_event(arm, seed).summary["test_accuracy"] for seed, arm in members
        } == {0.75}


async def test_a_run_whose_workers_have_not_begun_is_ahead_of_the_next() -> None:
    async with fake_runs() as (runs, engine):
        engine.side_by_side = "in_turn"
        _, second = new_run(runs), new_run(runs)
        await engine.next_training()
        third = new_run(runs)
        assert second.queued is not None
        assert second.queued.position == 1
        assert third.queued is not None
        assert third.queued.position == 2


async def test_with_one_slot_the_arms_of_a_seed_train_in_turn() -> None:
    async with fake_runs() as (runs, engine):
        engine.side_by_side = "in_turn"
        run = new_run(runs, seed=5, seeds=2)
        assert run.training_count == 4
        begun = []
        for _ in range(2):
            training = await engine.next_training()
            begun.append([(spec.seed, spec.arm) for spec in training.spec.members])
            training.end()
        assert begun == [[(5, "a"), (5, "b")], [(6, "a"), (6, "b")]]
        await wait_for(run, "done")
        assert run.state == "finished"


async def test_of_two_arms_none_is_shown_far_ahead_of_the_other() -> None:
    async with fake_runs(slots=2) as (runs, engine):
        run = new_run(runs, steps=100)
        one, other = [await engine.next_training() for _ in range(2)]
        for step in range(101):
            one.emit_point(step)
        await anyio.wait_all_tasks_blocked()
        shown = [event.data["step"] for event in events_of(run) if event.name == "points"]
        assert shown == [[step] for step in range(len(shown))]
        assert len(shown) < 15
        one.end()
        other.end()
        steps = [
            event.data["step"]
            for event in await wait_end(run)
            if event.name == "points" and event.data["arm"] == one.spec.arm
        ]
        assert steps == [*([step] for step in range(101)), [100]]


async def test_what_waited_for_a_slower_arm_is_kept_when_the_run_is_stopped() -> None:
    async with fake_runs(slots=2) as (runs, engine):
        run = new_run(runs, steps=100)
        one = await engine.next_training()
        await engine.next_training()
        for step in range(101):
            one.emit_point(step)
        await wait_for(run, "points")
        await anyio.wait_all_tasks_blocked()
        runs.stop(run, "me")
        assert event_names(events_of(run)).count("points") == 101
        assert event_names(events_of(run))[-1] == "done"


async def test_a_run_takes_all_slots_there_are() -> None:
    async with fake_runs(slots=2) as (runs, engine):
        new_run(runs)
        assert {(await engine.next_training()).spec.arm for _ in range(2)} == {"a", "b"}


async def test_its_reader_stops_a_running_run(runs: RunScheduler, engine: FakeEngine) -> None:
    run = new_run(runs)
    (await engine.next_training()).emit_point()
    await wait_for(run, "points")
    runs.stop(run, "me")
    assert run.state == "stopped"
    assert events_of(run)[-1].data["state"] == "stopped"
    assert "verdict" not in event_names(events_of(run))
    await anyio.wait_all_tasks_blocked()
    assert engine.in_use == 0
    assert engine.started_trainings() == []  # not even its other arm


async def test_the_slot_of_a_stopped_run_goes_to_the_next(
    runs: RunScheduler, engine: FakeEngine
) -> None:
    stopped, following = new_run(runs), new_run(runs, seed=2)
    (await engine.next_training()).emit_point()
    await wait_for(stopped, "points")
    runs.stop(stopped, "me")
    assert (await engine.next_training()).spec.seed == 2
    assert following.state == "queued"


async def test_a_run_is_stopped_before_it_ever_started(
    runs: RunScheduler, engine: FakeEngine
) -> None:
    new_run(runs)
    waiting = new_run(runs, seed=2)
    runs.stop(waiting, "me")
    assert event_names(events_of(waiting)) == ["queued", "done"]
    assert events_of(waiting)[-1].data == {"state": "stopped", "elapsed_s": 0.0}
    await engine.finish_trainings(2)
    await anyio.wait_all_tasks_blocked()
    assert engine.started_trainings() == []


async def test_to_stop_again_changes_nothing(runs: RunScheduler) -> None:
    run = new_run(runs)
    runs.stop(run, "me")
    told = events_of(run)
    runs.stop(run, "me")
    assert events_of(run) == told


async def test_nobody_stops_a_run_of_somebody_else(runs: RunScheduler, engine: FakeEngine) -> None:
    run = new_run(runs, "me")
    with pytest.raises(NotRunOwner):
        runs.stop(run, "you")
    await engine.finish_trainings(2)
    assert (await wait_end(run))[-1].data["state"] == "finished"
    with pytest.raises(NotRunOwner):
        runs.stop(run, "you")


async def test_a_finished_run_can_not_be_stopped_any_more(
    runs: RunScheduler, engine: FakeEngine
) -> None:
    run = new_run(runs)
    await engine.finish_trainings(2)
    told = await wait_end(run)
    runs.stop(run, "me")
    assert run.state == "finished"
    assert events_of(run) == told


async def test_a_stop_just_before_the_last_event_wins(
    runs: RunScheduler, engine: FakeEngine
) -> None:
    run = new_run(runs)
    await engine.finish_trainings(1)
    last = await engine.next_training()
    last.end()
    runs.stop(run, "me")
    await anyio.wait_all_tasks_blocked()
    assert event_names(events_of(run)).count("done") == 1
    assert events_of(run)[-1].data["state"] == "stopped"
    assert engine.in_use == 0


async def test_a_run_that_nobody_knows(runs: RunScheduler) -> None:
    with pytest.raises(UnknownRun):
        await runs.find("no-such-run")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WorkerLost("worker 123 is gone"), "worker_lost"),
        (DeadlineExceeded("the training took longer"), "deadline"),
        (TrainingFailed("Traceback: KeyError at /secret/path.py"), "internal"),
        (RuntimeError("unforeseen, in /secret/path.py"), "internal"),
    ],
)
async def test_a_failure_is_told_in_a_readers_words_and_found_in_the_log(
    runs: RunScheduler,
    engine: FakeEngine,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    code: str,
) -> None:
    run = new_run(runs)
    training = await engine.next_training()
    training.emit_point()
    training.fail(error)
    with caplog.at_level(logging.ERROR):
        done = (await wait_end(run))[-1].data
    assert (done["state"], done["code"]) == ("failed", code)
    assert done["message"] == FAILURE_MESSAGES[code]  # type: ignore[index]
    (line,) = [
        text for text in map(TextFormatter().format, caplog.records) if done["reference"] in text
    ]
    assert (error.details if isinstance(error, TrainingFailed) else str(error)) in line
    assert f"run={run.id}" in line
    whole = run.log.read_after(0).decode()
    assert "secret" not in whole
    assert str(error) not in whole
    assert "verdict" not in event_names(events_of(run))
    assert run.state == "failed"


async def test_a_failure_ends_the_other_trainings_of_its_run_and_of_no_other() -> None:
    async with fake_runs(slots=2) as (runs, engine):
        failing, other = new_run(runs, seeds=2), new_run(runs, seed=9)
        first, _ = await engine.next_training(), await engine.next_training()
        first.fail(WorkerLost("gone"))
        await wait_end(failing)
        for training in (await engine.next_training(), await engine.next_training()):
            assert training.spec.seed == 9
            training.end()
        assert (await wait_end(other))[-1].data["state"] == "finished"
        assert engine.in_use == 0


async def test_a_verdict_that_can_not_be_computed_ends_the_run_all_the_same(
    runs: RunScheduler, engine: FakeEngine
) -> None:
    unspeakable = replace(FAKE.claims[0], if_held="{height}")
    run = new_run(runs, experiment=replace(FAKE, claims=(unspeakable,)))
    await engine.finish_trainings(2)
    await anyio.wait_all_tasks_blocked()
    assert events_of(run)[-1].name == "done"
    assert events_of(run)[-1].data["code"] == "internal"


@pytest.mark.parametrize(
    ("accuracy", "holds", "text"),
    [(0.9, True, "It ended at 90%."), (0.1, False, "It failed, at 10%.")],
)
async def test_a_finished_run_judges_the_claim(
    runs: RunScheduler, engine: FakeEngine, accuracy: float, holds: bool, text: str
) -> None:
    run = new_run(runs)
    await engine.finish_trainings(2, accuracy)
    *_, verdict, done = await wait_end(run)
    assert verdict.data == {
        "holds": holds,
        "text": text,
        "evidence": {"a test_accuracy": accuracy},
    }
    assert list(done.data) == ["state", "elapsed_s"]


async def test_a_training_that_diverged_does_not_fail_its_run(
    runs: RunScheduler, engine: FakeEngine
) -> None:
    run = new_run(runs)
    (await engine.next_training()).end(0.1, "diverged")
    await engine.finish_trainings(1)
    events = await wait_end(run)
    assert [event.data["state"] for event in events if event.name == "arm"] == [
        "diverged",
        "finished",
    ]
    assert events[-1].data["state"] == "finished"


async def test_a_receipt_says_all_that_is_needed_to_run_it_again(
    runs: RunScheduler, engine: FakeEngine
) -> None:
    run = new_run(runs, seed=7, steps=20)
    waiting = run.receipt()
    assert (waiting["state"], waiting["verdict"], waiting["device"]) == ("queued", None, None)
    await engine.finish_trainings(2)
    await wait_end(run)
    receipt = run.receipt()
    assert {"created", "elapsed_s"} <= set(receipt)
    assert {name: receipt[name] for name in receipt if name not in ("created", "elapsed_s")} == {
        "id": run.id,
        "slug": "toy",
        "seed": 7,
        "seeds": 1,
        "parameters": {
            "steps": 20,
            "gamma0": 0.1,
            "placement": "after_pooling",
            "batch_size": 20,
            "statistics": "running",
            "longest_gradient": 0.0,
        },
        "state": "finished",
        "verdict": "It ended at 90%.",
        "versions": {"beads": "1.0"},
        "device": "abacus",
        "hardware": "Wood",
        "instruction_set": None,
        "digest": "sha256:" + hashlib.sha256(run.measured.csv().encode()).hexdigest(),
    }


async def test_who_trained_what_first_does_not_show_in_the_numbers() -> None:
    digests = set()
    for order in ("ab", "ba"):
        async with fake_runs(slots=2) as (runs, engine):
            run = new_run(runs, seed=1)
            begun = [await engine.next_training(), await engine.next_training()]
            for training in begun if order == "ab" else reversed(begun):
                training.end(accuracy=0.1 * ord(training.spec.arm))
                await anyio.wait_all_tasks_blocked()
            await wait_end(run)
            digests.add(run.measured.digest())
    assert len(digests) == 1


async def test_closing_ends_every_run_and_leaves_nothing_training() -> None:
    async with fake_runs(slots=2) as (runs, engine):
        running, waiting = new_run(runs), new_run(runs)
        (await engine.next_training()).emit_point()
        await wait_for(running, "started")
    for run in (running, waiting):
        assert events_of(run)[-1].data["state"] == "stopped"
    assert engine.closed
