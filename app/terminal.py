"""Trainings in a terminal: the same runs as a server's, with a progress bar on stderr."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from app.engines.registry import create_engine
from app.experiments.definition import Experiment, RunRequest
from app.runs.run import Run
from app.runs.scheduler import RunScheduler
from app.settings import Settings

READER = "terminal"


def train(settings: Settings, experiment: Experiment, requests: Sequence[RunRequest]) -> list[Run]:
    """One run after another, up to the first that did not finish; Ctrl-C stops the one that trains
    and keeps what was measured.
    """
    return asyncio.run(_train(settings, experiment, requests))


async def _train(
    settings: Settings, experiment: Experiment, requests: Sequence[RunRequest]
) -> list[Run]:
    async with warm(settings) as runs:
        return [run async for run in in_turn(runs, experiment, requests)]


@asynccontextmanager
async def warm(settings: Settings) -> AsyncGenerator[RunScheduler]:
    """Runs on the engine that the settings name, one slot of it warm. Raises Unusable."""
    engine = create_engine(settings)
    runs = RunScheduler(engine, settings)
    try:
        await runs.start()
        with Console(stderr=True).status("warming up", spinner="line"):
            await engine.warm()
        yield runs
    finally:
        await runs.close()


async def in_turn(
    runs: RunScheduler, experiment: Experiment, requests: Sequence[RunRequest]
) -> AsyncGenerator[Run]:
    """Runs of one experiment under one bar, each when it has ended; one that did not finish is
    the last. Ctrl-C stops the run that trains.
    """
    trainings = [spec for request in requests for spec in experiment.trainings(request)]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("step {task.completed:.0f} of {task.total:.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        owed = sum(spec.steps for spec in trainings)
        bar = progress.add_task(f"{len(trainings)} trainings", total=owed)
        made = 0
        for request in requests:
            run = runs.create(experiment, request, READER)
            in_this_run = run.steps_left
            try:
                with run.watch() as log:
                    while not log.closed:
                        await log.wait_after(len(log))
                        progress.update(bar, completed=made + in_this_run - run.steps_left)
            except asyncio.CancelledError:  # Ctrl-C; what was measured is kept
                runs.stop(run, READER)
            made += in_this_run
            yield run
            if run.state != "finished":
                return
