import hashlib
import logging
from collections.abc import AsyncGenerator
from dataclasses import replace

import anyio
import pytest

from app.errors import DeadlineExceeded, NotRunOwner, TrainingFailed, UnknownRun, WorkerLost
from app.logging_config import TextFormatter
from app.runs.scheduler import FAILURE_MESSAGES, RunScheduler
from tests.support.fakes import TOY, ToyEngine, create, end_of, heard, serving_toys, until
from tests.support.sse import ids, names

pytestmark = pytest.mark.anyio


@pytest.fixture
async def toys() -> AsyncGenerator[tuple[RunScheduler, ToyEngine], None]:
    """With one slot."""
    async with serving_toys() as made:
        yield made


@pytest.fixture
def runs(toys: tuple[RunScheduler, ToyEngine]) -> RunScheduler:
    return toys[0]


@pytest.fixture
def engine(toys: tuple[RunScheduler, ToyEngine]) -> ToyEngine:
    return toys[1]


async def test_a_run_tells_its_whole_story_once_and_in_order(
    runs: RunScheduler, engine: ToyEngine
) -> None:
    run = create(runs)
    assert run.state == "queued"
    training = await engine.begun()
    training.point()
    await until(run, "started")
    assert run.state == "running"
    training.end()
    await engine.finish(1)
    events = await end_of(run)
    assert names(events) == [
        *("queued", "started"),
        *("points", "points", "arm"),
        *("points", "arm"),
        *("verdict", "done"),
    ]
    assert ids(events) == list(range(1, 10))
    assert run.state == "finished"


async def test_started_says_what_will_be_trained_and_where(
    runs: RunScheduler, engine: ToyEngine
) -> None:
    run = create(runs, seed=7, seeds=2, steps=20)
    (await engine.begun()).point()
    events = await until(run, "started")
    assert events[1].data == {
        "run": run.id,
        "slug": "toy",
        "seed": 7,
        "seeds": 2,
        "arms": ["a", "b"],
        "steps": 20,
        "device": "abacus",
    }


async def test_trainings_go_seed_by_seed(runs: RunScheduler, engine: ToyEngine) -> None:
    create(runs, seed=5, seeds=2)
    begun = []
    for _ in range(4):
        training = await engine.begun()
        begun.append((training.spec.seed, training.spec.arm))
        training.end()
    assert begun == [(5, "a"), (5, "b"), (6, "a"), (6, "b")]


async def test_on_a_gpu_trainings_that_are_alike_go_side_by_side() -> None:
    async with serving_toys() as (runs, engine):
        engine.side_by_side = "batched"
        run = create(runs, seed=5, seeds=2, steps=10)
        assert run.steps_left == 40
        training = await engine.begun()
        members = [(spec.seed, spec.arm) for spec in training.spec.members]
        assert members == [(5, "a"), (5, "b"), (6, "a"), (6, "b")]
        training.end(accuracy=0.75)
        await until(run, "done")
        assert run.state == "finished"
        assert run.steps_left == 0
        assert {
            run.measured.end_event(arm, seed).summary["test_accuracy"] for seed, arm in members
        } == {0.75}


async def test_a_run_whose_workers_have_not_begun_is_ahead_of_the_next() -> None:
    async with serving_toys() as (runs, engine):
        engine.side_by_side = "in_turn"
        _, second = create(runs), create(runs)
        await engine.begun()
        third = create(runs)
        assert second.queued is not None
        assert second.queued.position == 1
        assert third.queued is not None
        assert third.queued.position == 2


async def test_with_one_slot_the_arms_of_a_seed_train_in_turn() -> None:
    async with serving_toys() as (runs, engine):
        engine.side_by_side = "in_turn"
        run = create(runs, seed=5, seeds=2)
        assert run.training_count == 4
        begun = []
        for _ in range(2):
            training = await engine.begun()
            begun.append([(spec.seed, spec.arm) for spec in training.spec.members])
            training.end()
        assert begun == [[(5, "a"), (5, "b")], [(6, "a"), (6, "b")]]
        await until(run, "done")
        assert run.state == "finished"


async def test_of_two_arms_none_is_shown_far_ahead_of_the_other() -> None:
    async with serving_toys(slots=2) as (runs, engine):
        run = create(runs, steps=100)
        one, other = [await engine.begun() for _ in range(2)]
        for step in range(101):
            one.point(step)
        await anyio.wait_all_tasks_blocked()
        shown = [event.data["step"] for event in heard(run) if event.name == "points"]
        assert shown == [[step] for step in range(len(shown))]
        assert len(shown) < 15
        one.end()
        other.end()
        steps = [
            event.data["step"]
            for event in await end_of(run)
            if event.name == "points" and event.data["arm"] == one.spec.arm
        ]
        assert steps == [*([step] for step in range(101)), [100]]


async def test_what_waited_for_a_slower_arm_is_kept_when_the_run_is_stopped() -> None:
    async with serving_toys(slots=2) as (runs, engine):
        run = create(runs, steps=100)
        one = await engine.begun()
        await engine.begun()
        for step in range(101):
            one.point(step)
        await until(run, "points")
        await anyio.wait_all_tasks_blocked()
        runs.stop(run, "me")
        assert names(heard(run)).count("points") == 101
        assert names(heard(run))[-1] == "done"


async def test_a_run_takes_all_slots_there_are() -> None:
    async with serving_toys(slots=2) as (runs, engine):
        create(runs)
        assert {(await engine.begun()).spec.arm for _ in range(2)} == {"a", "b"}


async def test_its_reader_stops_a_running_run(runs: RunScheduler, engine: ToyEngine) -> None:
    run = create(runs)
    (await engine.begun()).point()
    await until(run, "points")
    runs.stop(run, "me")
    assert run.state == "stopped"
    assert heard(run)[-1].data["state"] == "stopped"
    assert "verdict" not in names(heard(run))
    await anyio.wait_all_tasks_blocked()
    assert engine.in_use == 0
    assert engine.begun_now() == []  # not even its other arm


async def test_the_slot_of_a_stopped_run_goes_to_the_next(
    runs: RunScheduler, engine: ToyEngine
) -> None:
    stopped, following = create(runs), create(runs, seed=2)
    (await engine.begun()).point()
    await until(stopped, "points")
    runs.stop(stopped, "me")
    assert (await engine.begun()).spec.seed == 2
    assert following.state == "queued"


async def test_a_run_is_stopped_before_it_ever_started(
    runs: RunScheduler, engine: ToyEngine
) -> None:
    create(runs)
    waiting = create(runs, seed=2)
    runs.stop(waiting, "me")
    assert names(heard(waiting)) == ["queued", "done"]
    assert heard(waiting)[-1].data == {"state": "stopped", "elapsed_s": 0.0}
    await engine.finish(2)
    await anyio.wait_all_tasks_blocked()
    assert engine.begun_now() == []


async def test_to_stop_again_changes_nothing(runs: RunScheduler) -> None:
    run = create(runs)
    runs.stop(run, "me")
    told = heard(run)
    runs.stop(run, "me")
    assert heard(run) == told


async def test_nobody_stops_a_run_of_somebody_else(runs: RunScheduler, engine: ToyEngine) -> None:
    run = create(runs, "me")
    with pytest.raises(NotRunOwner):
        runs.stop(run, "you")
    await engine.finish(2)
    assert (await end_of(run))[-1].data["state"] == "finished"
    with pytest.raises(NotRunOwner):
        runs.stop(run, "you")


async def test_a_finished_run_can_not_be_stopped_any_more(
    runs: RunScheduler, engine: ToyEngine
) -> None:
    run = create(runs)
    await engine.finish(2)
    told = await end_of(run)
    runs.stop(run, "me")
    assert run.state == "finished"
    assert heard(run) == told


async def test_a_stop_just_before_the_last_event_wins(
    runs: RunScheduler, engine: ToyEngine
) -> None:
    run = create(runs)
    await engine.finish(1)
    last = await engine.begun()
    last.end()
    runs.stop(run, "me")
    await anyio.wait_all_tasks_blocked()
    assert names(heard(run)).count("done") == 1
    assert heard(run)[-1].data["state"] == "stopped"
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
    engine: ToyEngine,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    code: str,
) -> None:
    run = create(runs)
    training = await engine.begun()
    training.point()
    training.fail(error)
    with caplog.at_level(logging.ERROR):
        done = (await end_of(run))[-1].data
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
    assert "verdict" not in names(heard(run))
    assert run.state == "failed"


async def test_a_failure_ends_the_other_trainings_of_its_run_and_of_no_other() -> None:
    async with serving_toys(slots=2) as (runs, engine):
        failing, other = create(runs, seeds=2), create(runs, seed=9)
        first, _ = await engine.begun(), await engine.begun()
        first.fail(WorkerLost("gone"))
        await end_of(failing)
        for training in (await engine.begun(), await engine.begun()):
            assert training.spec.seed == 9
            training.end()
        assert (await end_of(other))[-1].data["state"] == "finished"
        assert engine.in_use == 0


async def test_a_verdict_that_can_not_be_computed_ends_the_run_all_the_same(
    runs: RunScheduler, engine: ToyEngine
) -> None:
    unspeakable = replace(TOY.claims[0], if_held="{height}")
    run = create(runs, experiment=replace(TOY, claims=(unspeakable,)))
    await engine.finish(2)
    await anyio.wait_all_tasks_blocked()
    assert heard(run)[-1].name == "done"
    assert heard(run)[-1].data["code"] == "internal"


@pytest.mark.parametrize(
    ("accuracy", "holds", "text"),
    [(0.9, True, "It ended at 90%."), (0.1, False, "It failed, at 10%.")],
)
async def test_a_finished_run_judges_the_claim(
    runs: RunScheduler, engine: ToyEngine, accuracy: float, holds: bool, text: str
) -> None:
    run = create(runs)
    await engine.finish(2, accuracy)
    *_, verdict, done = await end_of(run)
    assert verdict.data == {
        "holds": holds,
        "text": text,
        "evidence": {"a test_accuracy": accuracy},
    }
    assert list(done.data) == ["state", "elapsed_s"]


async def test_a_training_that_diverged_does_not_fail_its_run(
    runs: RunScheduler, engine: ToyEngine
) -> None:
    run = create(runs)
    (await engine.begun()).end(0.1, "diverged")
    await engine.finish(1)
    events = await end_of(run)
    assert [event.data["state"] for event in events if event.name == "arm"] == [
        "diverged",
        "finished",
    ]
    assert events[-1].data["state"] == "finished"


async def test_a_receipt_says_all_that_is_needed_to_run_it_again(
    runs: RunScheduler, engine: ToyEngine
) -> None:
    run = create(runs, seed=7, steps=20)
    waiting = run.receipt()
    assert (waiting["state"], waiting["verdict"], waiting["device"]) == ("queued", None, None)
    await engine.finish(2)
    await end_of(run)
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
        async with serving_toys(slots=2) as (runs, engine):
            run = create(runs, seed=1)
            begun = [await engine.begun(), await engine.begun()]
            for training in begun if order == "ab" else reversed(begun):
                training.end(accuracy=0.1 * ord(training.spec.arm))
                await anyio.wait_all_tasks_blocked()
            await end_of(run)
            digests.add(run.measured.digest())
    assert len(digests) == 1


async def test_closing_ends_every_run_and_leaves_nothing_training() -> None:
    async with serving_toys(slots=2) as (runs, engine):
        running, waiting = create(runs), create(runs)
        (await engine.begun()).point()
        await until(running, "started")
    for run in (running, waiting):
        assert heard(run)[-1].data["state"] == "stopped"
    assert engine.closed
