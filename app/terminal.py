"""Trains in a terminal, with the server's scheduler and a progress bar on stderr."""

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

TERMINAL_READER = "terminal"


def train(settings: Settings, experiment: Experiment, requests: Sequence[RunRequest]) -> list[Run]:
    """Trains one run after another, up to the first that does not finish.

    Ctrl-C stops the current run and keeps its measurements.
    """
    return asyncio.run(_train(settings, experiment, requests))


async def _train(
    settings: Settings, experiment: Experiment, requests: Sequence[RunRequest]
) -> list[Run]:
    async with warm_scheduler(settings) as runs:
        return [run async for run in train_in_sequence(runs, experiment, requests)]


@asynccontextmanager
async def warm_scheduler(settings: Settings) -> AsyncGenerator[RunScheduler]:
    """Yields a scheduler whose engine has a warm slot. Raises CannotTrain."""
    engine = create_engine(settings)
    runs = RunScheduler(engine, settings)
    try:
        await runs.start()
        with Console(stderr=True).status("warming up", spinner="line"):
            await engine.warm()
        yield runs
    finally:
        await runs.close()


async def train_in_sequence(
    runs: RunScheduler, experiment: Experiment, requests: Sequence[RunRequest]
) -> AsyncGenerator[Run]:
    """Trains runs of one experiment under one progress bar, and yields each when it has ended.

    A run that does not finish is the last. Ctrl-C stops the current run.
    """
    trainings = [spec for request in requests for spec in experiment.trainings(request)]
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("step {task.completed:.0f} of {task.total:.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        total_steps = sum(spec.steps for spec in trainings)
        bar = progress.add_task(f"{len(trainings)} trainings", total=total_steps)
        finished_steps = 0
        for request in requests:
            run = runs.create(experiment, request, TERMINAL_READER)
            run_steps = run.steps_left
            try:
                with run.watch() as log:
                    while not log.closed:
                        await log.wait_after(len(log))
                        progress.update(bar, completed=finished_steps + run_steps - run.steps_left)
            except asyncio.CancelledError:  # Ctrl-C; the measurements are kept
                runs.stop(run, TERMINAL_READER)
            finished_steps += run_steps
            yield run
            if run.state != "finished":
                return
