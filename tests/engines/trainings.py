"""Trainings on an engine, as a run has them."""

from collections.abc import Callable

import anyio
from anyio.abc import TaskStatus

from app.engines.base import Engine
from app.events import TrainingEvent
from app.experiments.definition import TrainingSpec
from tests.support.processes import TIMEOUT


async def follow(
    engine: Engine, spec: TrainingSpec, hear: Callable[[TrainingEvent], object]
) -> None:
    """Passes on each event of one training; fails if it hangs."""
    with anyio.fail_after(TIMEOUT):
        async for event in engine.train(spec):
            hear(event)


async def events_of(engine: Engine, spec: TrainingSpec) -> list[TrainingEvent]:
    """All events of one training."""
    events: list[TrainingEvent] = []
    await follow(engine, spec, events.append)
    return events


async def watch(
    engine: Engine, spec: TrainingSpec, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Follows a training, whose task counts as started with its first event."""
    first = True

    def hear(_: TrainingEvent) -> None:
        nonlocal first
        if first:
            task_status.started()
        first = False

    await follow(engine, spec, hear)
