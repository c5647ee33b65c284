"""What every engine promises (app/engines/base.py). A new engine joins by its name."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import anyio
import pytest

from app.engines.base import Engine, Health
from app.engines.registry import create_engine
from app.errors import DatasetError, DeadlineExceeded, MemoryExceeded, TrainingFailed
from app.events import ArmEnded, Points, TrainingEvent
from app.experiments.definition import TrainingSpec
from app.training.loop import train
from app.training.trainer import Trainer
from tests.engines.conftest import MakeSettings
from tests.engines.trainings import events_of, follow, watch
from tests.support.processes import TIMEOUT

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def engine(
    engine_name: str, engine_settings: MakeSettings, anyio_backend: object
) -> AsyncGenerator[Engine, None]:
    """Warm, with one slot."""
    started = create_engine(engine_settings(engine=engine_name))
    await started.start()
    with anyio.fail_after(TIMEOUT):
        await started.warm()
    yield started
    await started.close()


@pytest.fixture
async def engine_without_data(
    engine_name: str,
    engine_settings: MakeSettings,
    broken_data: Path,
) -> AsyncGenerator[Engine, None]:
    started = create_engine(engine_settings(engine=engine_name, data_dir=broken_data))
    await started.start()
    yield started
    await started.close()


async def test_a_training_says_what_the_loop_says(
    engine: Engine, trainer: Trainer, specs: dict[str, TrainingSpec]
) -> None:
    for spec in specs.values():
        assert await events_of(engine, spec) == list(train(spec, trainer.dataset))


async def test_trainings_in_turn_say_what_each_says_alone(
    engine: Engine, trainer: Trainer, specs: dict[str, TrainingSpec]
) -> None:
    first, *others = specs.values()
    events = await events_of(engine, replace(first, beside=tuple(others)))
    for spec in specs.values():
        alone = list(train(spec, trainer.dataset))
        assert [event for event in events if event.arm == spec.arm] == alone
    turns = [arm for arm, _ in groupby(event.arm for event in events)]
    assert turns == [*specs] * (len(turns) // len(specs))


async def test_a_warm_engine_is_healthy_and_knows_where_it_trains(
    engine: Engine, trainer: Trainer
) -> None:
    assert engine.slots == 1
    assert engine.health() == Health(slots=1, warm=1, problem=None)
    assert engine.provenance == trainer.provenance


async def test_events_come_while_the_training_goes_on(
    engine: Engine, endless: TrainingSpec
) -> None:
    seen: list[int] = []
    with anyio.fail_after(TIMEOUT):
        async with aclosing(engine.train(endless)) as events:
            async for event in events:
                assert isinstance(event, Points)
                seen += event.step
                if len(seen) == 5:
                    break
    assert seen == [0, 2, 4, 6, 8]


async def test_closing_the_generator_frees_the_slot(
    engine: Engine, small: TrainingSpec, endless: TrainingSpec
) -> None:
    for _ in range(3):
        events = engine.train(endless)
        await anext(events)
        await events.aclose()
    assert isinstance((await events_of(engine, small))[-1], ArmEnded)


async def test_cancelling_the_task_that_iterates_frees_the_slot(
    engine: Engine, small: TrainingSpec, endless: TrainingSpec
) -> None:
    for _ in range(3):
        async with anyio.create_task_group() as tasks:
            await tasks.start(watch, engine, endless)
            tasks.cancel_scope.cancel()
    assert isinstance((await events_of(engine, small))[-1], ArmEnded)


async def test_a_training_that_is_cancelled_while_it_waits_takes_no_slot(
    engine: Engine, small: TrainingSpec, endless: TrainingSpec
) -> None:
    async with anyio.create_task_group() as tasks:
        await tasks.start(watch, engine, endless)
        async with anyio.create_task_group() as waiting:
            waiting.start_soon(watch, engine, small)
            await anyio.wait_all_tasks_blocked()
            waiting.cancel_scope.cancel()
        tasks.cancel_scope.cancel()
    assert isinstance((await events_of(engine, small))[-1], ArmEnded)


async def test_a_training_for_which_there_is_no_memory_says_so_and_the_next_one_works(
    engine: Engine, small: TrainingSpec
) -> None:
    """In one piece of 3 PB, which no machine gives."""
    immense = replace(small, batches="linear_map", batch_size=10**12)
    with pytest.raises(MemoryExceeded) as raised:
        await events_of(engine, immense)
    assert raised.value.code == "memory"
    assert isinstance((await events_of(engine, small))[-1], ArmEnded)


async def test_trainings_wait_for_the_slot_and_do_not_mix(
    engine: Engine, trainer: Trainer, specs: dict[str, TrainingSpec]
) -> None:
    heard: list[TrainingEvent] = []
    async with anyio.create_task_group() as tasks:
        for spec in specs.values():
            tasks.start_soon(follow, engine, spec, heard.append)
    one_by_one = [list(events) for _, events in groupby(heard, key=lambda event: event.arm)]
    assert len(one_by_one) == len(specs)
    for events in one_by_one:
        assert events == list(train(specs[events[0].arm], trainer.dataset))


async def test_what_was_abandoned_does_not_show_in_the_next_training(
    engine: Engine, trainer: Trainer, small: TrainingSpec, endless: TrainingSpec
) -> None:
    expected = list(train(small, trainer.dataset))
    for count in range(4):
        events = engine.train(replace(endless, arm="abandoned"))
        for _ in range(count):
            await anext(events)
        await events.aclose()
        assert await events_of(engine, small) == expected


async def test_a_training_that_raises_fails_with_its_traceback_for_the_log(
    engine: Engine, small: TrainingSpec
) -> None:
    with pytest.raises(TrainingFailed) as raised:
        await events_of(engine, replace(small, evaluation="no-such-measure"))
    assert raised.value.code == "internal"
    assert "Traceback" in raised.value.details
    assert "KeyError: 'no-such-measure'" in raised.value.details
    assert "no-such-measure" not in str(raised.value)
    assert isinstance((await events_of(engine, small))[-1], ArmEnded)


async def test_what_came_before_a_failure_is_delivered(engine: Engine, small: TrainingSpec) -> None:
    """No batch holds no images: the first step fails, after the point of step 0."""
    seen: list[TrainingEvent] = []
    with pytest.raises(TrainingFailed):
        await follow(engine, replace(small, batch_size=0), seen.append)
    assert len(seen) == 1


async def test_a_training_over_its_deadline_is_ended_and_the_engine_goes_on(
    engine: Engine, small: TrainingSpec, endless: TrainingSpec
) -> None:
    seen: list[TrainingEvent] = []
    with pytest.raises(DeadlineExceeded) as raised:
        await follow(engine, endless, seen.append)
    assert raised.value.code == "deadline"
    assert seen
    assert isinstance((await events_of(engine, small))[-1], ArmEnded)
    assert engine.health() == Health(slots=1, warm=1)


async def test_divergence_is_a_result(engine: Engine, small: TrainingSpec) -> None:
    *_, ended = await events_of(engine, replace(small, learning_rate=1e30, evaluate_every=1))
    assert isinstance(ended, ArmEnded)
    assert ended.state == "diverged"


async def test_an_engine_without_data_says_so(
    engine_without_data: Engine, small: TrainingSpec, broken_data: Path
) -> None:
    """A training that already waits hears it too, instead of waiting for ever."""
    assert engine_without_data.health() == Health(slots=1, warm=0)
    told: list[str] = []
    heard = anyio.Event()

    async def wait() -> None:
        with pytest.raises(DatasetError) as raised:
            await anext(engine_without_data.train(small))
        told.append(str(raised.value))
        heard.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        with anyio.fail_after(TIMEOUT), pytest.raises(DatasetError) as raised:
            await engine_without_data.warm()
        problem = str(raised.value)
        assert problem.startswith("data file cut or altered: t10k-labels-idx1-ubyte.gz")
        assert str(broken_data) not in problem
        assert engine_without_data.health() == Health(slots=1, warm=0, problem=problem)
        assert engine_without_data.provenance is None
        with anyio.move_on_after(5):
            await heard.wait()
        tasks.cancel_scope.cancel()
    assert told == [problem]


async def test_an_engine_that_is_closed_at_once_leaves_nothing(
    engine_name: str, engine_settings: MakeSettings
) -> None:
    engine = create_engine(engine_settings(engine=engine_name))
    await engine.start()
    with anyio.fail_after(TIMEOUT):
        await engine.close()
