"""The commands of the command line: list, train, verify, claims, record, export, comments."""

import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from textwrap import shorten

from rich.console import Console
from rich.table import Table

from app import terminal
from app.article import export
from app.comments import MAX_KEPT, Comments
from app.errors import FieldProblem, InvalidRequest, UnknownComment
from app.experiments import EXPERIMENTS, find
from app.measurements import Measurements
from app.reproducibility import claims_table, receipts, recorded_sweeps, recordings, stills
from app.reproducibility.claims_table import Survey
from app.runs.run import Run
from app.settings import Settings
from app.store import Store

EXIT_FINISHED, EXIT_FAILED, EXIT_INTERRUPTED = 0, 1, 130
EXIT_CODES = {"finished": EXIT_FINISHED, "failed": EXIT_FAILED, "stopped": EXIT_INTERRUPTED}
# The seed of all recordings; it is the first one, not a chosen one.
RECORDING_SEED = 1
# Numbers with more digits may not fit into SQLite's 64-bit ids.
MAX_ID_DIGITS = 18


def list_experiments() -> int:
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
    return EXIT_FINISHED


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
    """Trains one figure and prints its summary and verdict. Ctrl-C keeps the measurements."""
    experiment = find(slug)
    values = _parse_assignments(assignments) | {
        name: value for name, value in (("seed", seed), ("seeds", seeds)) if value is not None
    }
    request = experiment.parse(values, text=True)
    if csv is not None and not csv.parent.is_dir():
        raise InvalidRequest([FieldProblem("csv", f"there is no folder {csv.parent}")])
    if csv is not None and csv.is_dir():
        raise InvalidRequest([FieldProblem("csv", f"{csv} is a folder")])
    (run,) = terminal.train(settings, experiment, [request])
    written = csv is None or _write_csv(csv, run)
    if as_json:
        print(json.dumps(run.receipt()))
    else:
        _show_summary(run)
    code = EXIT_CODES[run.state]
    return code if written else code or EXIT_FAILED


def record(settings: Settings, slugs: Sequence[str], folder: Path = recordings.FOLDER) -> int:
    """Trains the figures and saves the recordings that the article shows first.

    For an experiment with a sweep, all cells of its maps are trained and saved too.
    """
    for slug in slugs or EXPERIMENTS:
        experiment = find(slug)
        request = experiment.parse({"seed": RECORDING_SEED})
        swept = experiment.sweep.asked(RECORDING_SEED) if experiment.sweep else ()
        requests = [request, *map(experiment.parse, swept)]
        run, *cells = runs = terminal.train(settings, experiment, requests)
        for each in runs:
            if each.state != "finished":
                _show_summary(each)
                return EXIT_FAILED
        print(recordings.save(run, folder))
        if cells:
            print(recorded_sweeps.save(cells, f"python -m app record {slug}", folder))
    return draw_stills(slugs, folder / stills.FOLDER.name)


def draw_stills(slugs: Sequence[str], folder: Path = stills.FOLDER) -> int:
    """Draws the pictures of the recordings and widgets. Raises BrowserNotFound."""
    from app.article import still_recorder  # nothing else needs a browser

    drawn = still_recorder.record_stills([find(slug).slug for slug in slugs], folder)
    files = [still for pictures in drawn.pictures.values() for still in pictures.values()]
    print(f"{folder}: {len(files)} pictures")
    return EXIT_FINISHED


def export_article(settings: Settings, folder: Path) -> int:
    """Writes the article as a static site to a new folder. Raises ExportRefused."""
    from app.article import static_site  # the web is not needed to train in a terminal

    written = export.write_export(folder, static_site.site_files(settings.language))
    print(f"{folder}: {written.files} files, {written.size:,} bytes")
    return EXIT_FINISHED


def verify(settings: Settings, path: Path) -> int:
    """Repeats a receipt's run and compares the digests; returns 0 if they are equal.

    Raises InvalidReceipt.
    """
    receipt = receipts.read(path)
    experiment, request = receipt.parse_request()
    (run,) = terminal.train(settings, experiment, [request])
    if run.state != "finished":
        print(f"Not verified: the run {run.state}. {_failure_message(run)}", file=sys.stderr)
        return EXIT_CODES[run.state]
    assert run.provenance is not None
    assert run.verdict is not None
    digest = run.measured.digest()
    if digest == receipt.digest:
        print(f"The same numbers, digit for digit: {digest}")
        if run.verdict.text != receipt.verdict:
            print("The receipt has a different verdict. Here it is: " + run.verdict.text)
        return EXIT_FINISHED
    print(f"Different numbers.\n  receipt  {receipt.digest}\n  here     {digest}")
    differences = list(receipt.differences(run.provenance))
    if differences:
        print("The likely reason is one of these differences or unknown items:")
    else:
        print(
            "Versions, device, hardware and instruction set are the same here, so the reason is "
            "something that a receipt does not record: a change of the program or of a library "
            "without a new version, or a digest, seed or parameter of another run."
        )
    for difference in differences:
        there, here = difference.there or "unknown", difference.here or "unknown"
        print(f"  {difference.name}: {there} there, {here} here")
    return EXIT_FAILED


def claims(
    settings: Settings,
    slugs: Sequence[str],
    *,
    seed: str,
    seeds: str,
    assignments: Sequence[str] = (),
    into: Path | None = None,
) -> int:
    """Judges every claim over many seeds and prints one table, with rows as figures finish.

    Returns 0 if all claims hold and 1 otherwise. With `into`, the table replaces the marked block
    of that file.
    """
    chosen = [find(slug) for slug in dict.fromkeys(slugs)] or list(EXPERIMENTS.values())
    asked = claims_table.parse_survey(chosen, seed, seeds, _parse_assignments(assignments))
    if into is not None:
        claims_table.check_block(into)
    table: list[str] = []
    code = asyncio.run(_judge(settings, asked, table))
    if into is None or not table:
        return code
    try:
        claims_table.replace_block(into, "\n".join(table))
    except OSError as error:
        print(f"can't write {into}: {error.strerror}", file=sys.stderr)
        return EXIT_FAILED
    return code


def show_comments(settings: Settings) -> int:
    """Prints the comments, the newest first: number, date, name and first words."""
    shown, _ = Comments(Store(settings.store)).newest(MAX_KEPT)
    for comment in shown:
        words = shorten(comment.text, 60, placeholder=" …")
        print(f"{comment.id:>6}  {comment.created:%Y-%m-%d %H:%M}  {comment.name}: {words}")
    return EXIT_FINISHED


def remove_comment(settings: Settings, number: str) -> int:
    """Deletes one comment and prints its number and name. Raises UnknownComment."""
    if not (number.isascii() and number.isdigit() and len(number) <= MAX_ID_DIGITS):
        raise UnknownComment(f"there is no comment {number}")
    removed = Comments(Store(settings.store)).remove(int(number))
    print(f"removed {removed.id}, by {removed.name}")
    return EXIT_FINISHED


async def _judge(settings: Settings, asked: Survey, table: list[str]) -> int:
    """Trains, prints the table and adds its lines to `table`; clears it if a run failed."""

    def show(lines: Iterable[str]) -> None:
        for line in lines:
            print(line, flush=True)
            table.append(line)

    hold = True
    requests = [(experiment, asked.requests(experiment)) for experiment in asked.experiments]
    async with terminal.warm_scheduler(settings) as runs:
        for experiment, of_experiment in requests:
            measured = Measurements([arm.id for arm in experiment.arms])
            async for run in terminal.train_in_sequence(runs, experiment, of_experiment):
                measured.merge(run.measured)
            if run.state != "finished":
                print(
                    f"{experiment.slug}: the run {run.state}. {_failure_message(run)}",
                    file=sys.stderr,
                )
                table.clear()
                return EXIT_CODES[run.state]
            if not table:
                assert run.provenance is not None
                command = asked.command(list(EXPERIMENTS.values()))
                show(claims_table.table_header(asked, command, run.provenance))
            show(claims_table.table_rows(experiment, measured, asked.seeds))
            hold = hold and claims_table.all_hold(experiment, measured)
    return EXIT_FINISHED if hold else EXIT_FAILED


def _write_csv(csv: Path, run: Run) -> bool:
    try:
        # Lines end as in the text that is hashed for the digest.
        csv.write_text(run.measured.csv(), encoding="utf-8", newline="\n")
    except OSError as error:
        # The summary is still printed, and this command repeats the run.
        command = run.experiment.command(run.request)
        print(f"can't write {csv}: {error.strerror}; repeat: {command}", file=sys.stderr)
        return False
    return True


def _show_summary(run: Run) -> None:
    console = Console()
    console.print(_summary(run))
    if run.verdict:
        console.print(run.verdict.text)
    if why := _failure_message(run):
        console.print(why)
    console.print(f"digest {run.measured.digest()}")


def _summary(run: Run) -> Table:
    """A table of last values with a column per arm; each is the median over the seeds."""
    title = f"{run.experiment.slug}, seed {run.request.seed}, {run.state}"
    arms = [arm.id for arm in run.experiment.arms]
    table = Table("last value", *arms, title=title)
    table.add_row("state", *(run.measured.end_state(arm) for arm in arms))
    for metric in run.experiment.metrics:
        finals = [run.measured.final_values(arm, metric.id).values() for arm in arms]
        cells = [f"{median(values):.4g}" if values else "" for values in finals]
        table.add_row(metric.label, *cells)
    return table


def _failure_message(run: Run) -> str:
    """The reason of the run's failure; empty if it did not fail."""
    return f"{run.done.message} ({run.done.code})" if run.done and run.done.message else ""


def _parse_assignments(assignments: Sequence[str]) -> dict[str, object]:
    values: dict[str, object] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise InvalidRequest([FieldProblem(assignment, "should have the form NAME=VALUE")])
        values[name] = value
    return values
