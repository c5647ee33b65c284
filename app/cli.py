"""Without a browser: list, train and record experiments; list and remove comments."""

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from textwrap import shorten

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app import recordings, sweeps
from app.comments import KEPT, Comments
from app.engines.registry import engine_for
from app.errors import FieldProblem, InvalidRequest, UnknownComment
from app.experiments import EXPERIMENTS, find
from app.experiments.base import Experiment, RunRequest
from app.runs import Run, Runs
from app.settings import Settings
from app.store import Store

FINISHED, FAILED, INTERRUPTED = 0, 1, 130
# The seed of the recordings: the first one, not the prettiest one.
RECORDED_SEED = 1
# More digits than SQLite could count to.
MAX_ID_DIGITS = 18


def show_list() -> int:
    """Prints the experiments, their parameters and metrics."""
    console = Console()
    for experiment in EXPERIMENTS.values():
        console.print(f"[bold]{experiment.slug}[/bold]  {experiment.title}")
        console.print(f"  {experiment.claim}")
        console.print("  arms:    " + ", ".join(arm.id for arm in experiment.arms))
        console.print("  metrics: " + ", ".join(metric.id for metric in experiment.metrics))
        table = Table("parameter", "default", "bounds", "meaning", box=None, pad_edge=True)
        for parameter in experiment.parameters:
            bounds = (
                " | ".join(parameter.choices)
                if parameter.choices
                else f"{parameter.min:g} … {parameter.max:g}"
            )
            table.add_row(parameter.name, str(parameter.default), bounds, parameter.help)
        console.print(table)
    return FINISHED


def train(
    settings: Settings,
    slug: str,
    *,
    seed: str | None = None,
    seeds: str | None = None,
    assignments: Sequence[str] = (),
    csv: Path | None = None,
    as_json: bool = False,
) -> int:
    """Trains one figure and prints its summary and verdict; Ctrl-C keeps what was measured."""
    experiment = find(slug)
    values = _assigned(assignments) | {
        name: value for name, value in (("seed", seed), ("seeds", seeds)) if value is not None
    }
    request = experiment.parse(values, text=True)
    if csv is not None and not csv.parent.is_dir():
        raise InvalidRequest([FieldProblem("csv", f"there is no folder {csv.parent}")])
    if csv is not None and csv.is_dir():
        raise InvalidRequest([FieldProblem("csv", f"{csv} is a folder")])
    (run,) = asyncio.run(_train(settings, experiment, [request]))
    written = csv is None or _write(csv, run)
    if as_json:
        print(json.dumps(run.receipt()))
    else:
        _show_summary(run)
    code = {"finished": FINISHED, "stopped": INTERRUPTED}.get(run.state, FAILED)
    return code if written else code or FAILED


def record(settings: Settings, slugs: Sequence[str], folder: Path = recordings.FOLDER) -> int:
    """Trains the figures anew and keeps each as the recording that the article opens with.

    Where an experiment has a sweep, its maps are trained and kept, too.
    """
    for slug in slugs or EXPERIMENTS:
        experiment = find(slug)
        request = experiment.parse({"seed": RECORDED_SEED})
        swept = experiment.sweep.asked(RECORDED_SEED) if experiment.sweep else ()
        requests = [request, *map(experiment.parse, swept)]
        run, *cells = runs = asyncio.run(_train(settings, experiment, requests))
        for each in runs:
            if each.state != "finished":
                _show_summary(each)
                return FAILED
        print(recordings.save(run, folder))
        if cells:
            print(sweeps.save(cells, f"python -m app record {slug}", folder))
    return FINISHED


def show_comments(settings: Settings) -> int:
    """Prints the comments, the newest first: number, date, name and first words."""
    shown, _ = Comments(Store(settings.store)).newest(KEPT)
    for comment in shown:
        words = shorten(comment.text, 60, placeholder=" …")
        print(f"{comment.id:>6}  {comment.created:%Y-%m-%d %H:%M}  {comment.name}: {words}")
    return FINISHED


def remove_comment(settings: Settings, number: str) -> int:
    """Removes one comment for good, and prints what it was. Raises UnknownComment."""
    if not (number.isascii() and number.isdigit() and len(number) <= MAX_ID_DIGITS):
        raise UnknownComment(f"there is no comment {number}")
    removed = Comments(Store(settings.store)).remove(int(number))
    print(f"removed {removed.id}, by {removed.name}")
    return FINISHED


def _write(csv: Path, run: Run) -> bool:
    try:
        csv.write_text(run.measured.csv())
    except OSError as error:
        # Nothing is lost: the summary follows, and here is what repeats the run.
        print(f"can't write {csv}: {error.strerror}; repeat: {run.command()}", file=sys.stderr)
        return False
    return True


async def _train(
    settings: Settings, experiment: Experiment, requests: Sequence[RunRequest]
) -> list[Run]:
    """The runs of these requests, one after another, up to the first that did not finish."""
    engine = engine_for(settings)
    runs = Runs(engine, settings)
    console = Console(stderr=True)
    try:
        await runs.start()
        with console.status("warming up"):
            await engine.warm()
        trained: list[Run] = []
        for request in requests:
            run = runs.create(experiment, request, reader="terminal")
            trained.append(run)
            try:
                await _show_progress(run, console)
            except asyncio.CancelledError:  # Ctrl-C; what was measured is kept
                runs.stop(run.id, reader="terminal")
            if run.state != "finished":
                break
        return trained
    finally:
        await runs.close()


async def _show_progress(run: Run, console: Console) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("step {task.completed:.0f} of {task.total:.0f}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        total = run.steps_left
        bar = progress.add_task(f"{len(run.specs)} trainings", total=total)
        while not run.log.closed:
            await run.log.news(len(run.log))
            progress.update(bar, completed=total - run.steps_left)


def _show_summary(run: Run) -> None:
    console = Console()
    table = Table(
        "arm",
        "state",
        *(metric.label for metric in run.experiment.metrics),
        title=f"{run.experiment.slug}, seed {run.request.seed}, {run.state}",
    )
    for arm in run.experiment.arms:
        values = [run.measured.final(arm.id, metric.id) for metric in run.experiment.metrics]
        if any(values):
            cells = [f"{median(seeds.values()):.4g}" if seeds else "" for seeds in values]
            table.add_row(arm.id, run.measured.state(arm.id), *cells)
    console.print(table)
    if run.verdict:
        console.print(run.verdict.text)
    if run.done and run.done.message:
        console.print(f"{run.done.message} ({run.done.code})")
    console.print(f"digest {run.measured.digest()}")


def _assigned(assignments: Sequence[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise InvalidRequest([FieldProblem(assignment, "should have the form NAME=VALUE")])
        values[name] = value
    return values
