"""`python -m bench.race`: are all arms of a run seen growing together, and what does that cost?

Each figure runs with its default settings on two workers: its trainings stepped in turn, as on a
server, and one after the other, turn about. A row says how far the furthest arm was ever ahead of
the least, as a share of its steps, when the last arm's first point came, and the ratio of the
medians of the time to `done`.
"""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from app.engines.base import Engine
from app.engines.registry import create_engine
from app.events import Points, decode
from app.experiments import EXPERIMENTS
from app.experiments.definition import Experiment, SideBySide
from app.runs.scheduler import RunScheduler
from app.settings import Settings
from bench.figures import machine, row, spread

WORKERS = 2
HEAD = ("figure", "lead", "lead, alone", "last arm's first point, s", "alone", "time to done")
WIDTHS = (20, 18, 18, 26, 20, 12)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reader of one run saw: the greatest lead, and seconds from the press."""

    lead: float
    last_arm: float
    done: float


async def watch(runs: RunScheduler, experiment: Experiment, seed: int) -> Seen:
    """Runs the figure once and follows its stream. The run must finish."""
    began = perf_counter()
    run = runs.create(experiment, experiment.parse({"seed": seed}), reader="bench")
    steps = {spec.arm: spec.steps for spec in experiment.trainings(run.request)}
    shares = dict.fromkeys(steps, 0.0)
    lead, last_arm, at = 0.0, 0.0, 0
    waiting = set(steps)
    with run.watch() as log:
        while not log.closed or at < len(log):
            await log.wait_after(at)
            entries = log.entries[at:]
            at += len(entries)
            for event in map(decode, entries):
                if isinstance(event, Points):
                    if event.arm in waiting:
                        waiting.remove(event.arm)
                        last_arm = perf_counter() - began
                    shares[event.arm] = event.latest_step / steps[event.arm]
                    lead = max(lead, max(shares.values()) - min(shares.values()))
    assert run.state == "finished", run.state
    return Seen(lead, last_arm, perf_counter() - began)


async def measure(
    engine: Engine, runs: RunScheduler, experiment: Experiment, rounds: int
) -> Sequence[str]:
    """One row of the table."""
    seen: dict[SideBySide, list[Seen]] = {"in_turn": [], "alone": []}
    for seed in range(rounds):
        for way, results in seen.items():
            engine.side_by_side = way
            results.append(await watch(runs, experiment, seed))
    ours, alone = seen["in_turn"], seen["alone"]
    ratio = median(s.done for s in ours) / median(s.done for s in alone)
    return (
        experiment.slug,
        spread([s.lead for s in ours]),
        spread([s.lead for s in alone]),
        spread([s.last_arm for s in ours]),
        spread([s.last_arm for s in alone]),
        f"{ratio:.3f}",
    )


async def main(slugs: Sequence[str], rounds: int) -> None:
    """Prints the table, row by row."""
    settings = Settings(workers=WORKERS)
    engine = create_engine(settings)
    runs = RunScheduler(engine, settings)
    print(f"{machine()}; n = {rounds} seeds; medians [least–greatest]")
    try:
        await runs.start()
        await engine.warm()
        print(row(HEAD, WIDTHS))
        for slug in slugs:
            print(row(await measure(engine, runs, EXPERIMENTS[slug], rounds), WIDTHS), flush=True)
    finally:
        await runs.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slugs", metavar="SLUG", nargs="*", help="all figures if absent")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    asyncio.run(main(options.slugs or list(EXPERIMENTS), options.rounds))
