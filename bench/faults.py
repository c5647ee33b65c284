"""`python -m bench.faults`: runs in a row, most of which meet a fault, and what is left afterwards.

Which run meets which fault is drawn from a seed; the moment, too. After each run the server's
memory, descriptors and threads are noted. Every run, however it went, is read once more from its
first event: ids without a gap, and one `done`, last.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from random import Random
from statistics import linear_regression
from tempfile import TemporaryDirectory
from typing import TypeAlias

from app.events import Done
from bench.figures import machine, row
from bench.footprint import Footprint, footprint, states_of_children
from bench.wire import Answer, EventReader, Visitor
from tests.support.processes import Server, serving

# Short, so that a worker that stands still costs seconds; 10 steps take some 0.3 s, and longer
# where others use the machine, too.
SETTINGS = {"workers": 2, "deadline_seconds": 8, "queue_seconds": 600}
STEPS = 10
# Runs without a fault before anything is noted: what is loaded late is loaded then.
WARM_UP = 20
# The server keeps 100 ended runs, and its allocator finds the size that it needs: memory rises by
# some 5 MB up to the 500th run and by 0.1 MB in the 700 after it (docs/load.md).
STEADY = 500
# A fault comes within this many seconds of the click, or after this many events.
WITHIN_SECONDS, WITHIN_EVENTS = 1.0, 20
# Only a hang meets it: a run takes seconds, the longest some ten.
PATIENCE = 180.0
BIG_BODY = 20_000


@dataclass
class Soak:
    """What happened, and what the server held: before, after each run, at the end."""

    before: Footprint
    after: Footprint | None = None
    samples: list[Footprint] = field(default_factory=list)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def slope(self, steady: int = STEADY) -> float:
        """Megabytes per 1,000 runs, by least squares over all runs from the `steady`th on."""
        later = self.samples[steady:]
        return 1000 * linear_regression(range(len(later)), [s.memory_mb for s in later]).slope


@dataclass(frozen=True, slots=True)
class Trial:
    """One run that is about to meet its fault."""

    visitor: Visitor
    server: Server
    path: str
    chance: Random

    async def watch(self, last_id: int = 0, leave_after: int | None = None) -> EventReader:
        """A stream, to its end or until so many events have come."""
        heard = 0

        def hear(_: str, __: bytes) -> None:
            nonlocal heard
            heard += 1
            if heard == leave_after:
                stream.close()

        async with asyncio.timeout(PATIENCE):
            stream = await self.visitor.watch(f"{self.path}/events", hear, last_id)
            await stream.ended
        return stream

    async def a_moment(self) -> None:
        await asyncio.sleep(self.chance.uniform(0, WITHIN_SECONDS))

    def signal_a_worker(self, which: signal.Signals) -> None:
        """Sends it to any of them, warm or not, busy or not."""
        workers = sorted(self.server.worker_pids())
        if workers:
            os.kill(self.chance.choice(workers), which)


async def follow(trial: Trial) -> None:
    """No fault."""
    await trial.watch()


async def stop(trial: Trial) -> None:
    """The reader stops it, and stops it again."""
    await trial.a_moment()
    for _ in range(2):
        answer = await trial.visitor.ask("DELETE", trial.path)
        assert answer.status == HTTPStatus.ACCEPTED, answer


async def stop_as_another(trial: Trial) -> None:
    """Somebody else tries to."""
    answer = await Visitor(trial.server.url).ask("DELETE", trial.path)
    assert answer.status == HTTPStatus.FORBIDDEN, answer


async def leave(trial: Trial) -> None:
    """The connection breaks and nobody comes back."""
    await trial.watch(leave_after=trial.chance.randint(1, WITHIN_EVENTS))


async def come_back(trial: Trial) -> None:
    """The connection breaks, and the reader resumes."""
    first = await trial.watch(leave_after=trial.chance.randint(1, WITHIN_EVENTS))
    second = await trial.watch(first.last_id)
    assert second.status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT), second.status
    assert second.lost + second.doubled == 0, "a resumed stream has a gap"


async def kill(trial: Trial) -> None:
    """A worker dies."""
    await trial.a_moment()
    trial.signal_a_worker(signal.SIGKILL)


async def freeze(trial: Trial) -> None:
    """A worker stands still. One that is not yet warm would be waited for, two minutes long."""
    await until_warm(trial.visitor)
    trial.signal_a_worker(signal.SIGSTOP)


async def send_garbage(trial: Trial) -> None:
    """Requests that no page of ours would make."""
    events, runs = f"{trial.path}/events", "/experiments/survival/runs"
    foreign = {"Origin": "https://elsewhere.example"}
    ask = trial.visitor.ask
    asked: list[tuple[Awaitable[Answer], int]] = [
        (ask("POST", runs, {"seed": -1}), 422),
        (ask("POST", runs, ["no", "object"]), 422),
        (ask("POST", runs, "x" * BIG_BODY), 413),
        (ask("POST", runs, {}, foreign), 403),
        (ask("POST", "/experiments/no-such/runs", {}), 404),
        (ask("GET", "/runs/no-such/events"), 404),
        (ask("GET", events, headers={"Last-Event-ID": "-1"}), 400),
        (ask("GET", events, headers={"Last-Event-ID": "9" * 9}), 400),
        (trial.visitor.send(b"GET / HTTP/9.9\r\n\r\n"), 400),
        (trial.visitor.send(b"\x16\x03\x01\x00\xa5\x01\x00\x00\r\n\r\n"), 400),
    ]
    for waiting, expected in asked:
        answer = await waiting
        assert answer.status == expected, (expected, answer)


Fault: TypeAlias = Callable[[Trial], Awaitable[None]]
# How often each comes, out of the sum; those that cost a worker some seconds are rare.
FAULTS: dict[Fault, int] = {
    follow: 20,
    stop: 22,
    stop_as_another: 6,
    leave: 15,
    come_back: 15,
    send_garbage: 15,
    kill: 5,
    freeze: 2,
}
# Beside the fault: the survival figure, at a rate at which BatchNorm's loss is soon no number.
DIVERGING = {"learning_rate": 1.0, "gamma0": 2.0}
SHARE_DIVERGING = 0.2


def main() -> None:
    """Prints what the server held as the runs went by; the exit code is 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench.faults", description=main.__doc__)
    parser.add_argument("--runs", type=int, default=1_200, metavar="N")
    parser.add_argument("--readers", type=int, default=4, metavar="N", help="at a time")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all chance")
    options = parser.parse_args()
    print(machine())
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with serving(log, {**SETTINGS, "store": Path(folder) / "store.db"}) as server:
            soak = asyncio.run(soaked(server, options.runs, options.readers, options.seed))
        soak.problems += tracebacks(log)
    for line in table(soak, steady=min(STEADY, options.runs // 2)):
        print(line)
    sys.exit(1 if soak.problems else 0)


async def soaked(server: Server, runs: int, readers: int = 4, seed: int = 0) -> Soak:
    """Has `readers` at a time make `runs` runs, and waits until the server is idle and warm."""
    calm = Visitor(server.url)
    await until_warm(calm)
    for number in range(WARM_UP):
        await _run(server, calm, number, follow, Random(0))
    soak = Soak(await _at_rest(server))
    numbers = iter(range(WARM_UP, WARM_UP + runs))
    readers_at_once = (_read(server, numbers, seed, soak) for _ in range(readers))
    await asyncio.gather(*readers_at_once)
    await _thaw(server, calm, WARM_UP + runs)
    soak.after = await _settled(server, calm, soak.before)
    return soak


async def until_warm(visitor: Visitor) -> None:
    """Returns when all workers are."""
    async with asyncio.timeout(PATIENCE):
        while (await visitor.ask("GET", "/readyz")).status != HTTPStatus.OK:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def _read(server: Server, numbers: Iterator[int], seed: int, soak: Soak) -> None:
    """One reader: a run after the other, as long as there are numbers."""
    visitor = Visitor(server.url)
    for number in numbers:
        chance = Random(f"{seed}/{number}")
        (fault,) = chance.choices(list(FAULTS), list(FAULTS.values()))
        try:
            end = await _run(server, visitor, number, fault, chance)
        except (AssertionError, ConnectionError, TimeoutError) as error:
            end = "wrong"
            soak.problems.append(f"run {number}, {fault.__name__}: {error!r}")
        soak.outcomes[fault.__name__, end] += 1
        soak.samples.append(footprint(server.pid))


async def _run(server: Server, visitor: Visitor, number: int, fault: Fault, chance: Random) -> str:
    """Makes one run, of a seed of its own, and returns how it ended."""
    values: dict[str, float] = {"seed": number, "steps": STEPS}
    slug = "learning-rates"
    if chance.random() < SHARE_DIVERGING:
        slug, values = "survival", {**values, **DIVERGING}
    created = await visitor.ask("POST", f"/experiments/{slug}/runs", values)
    assert created.status == HTTPStatus.CREATED, created
    trial = Trial(visitor, server, f"/runs/{created.value('id')}", chance)
    await fault(trial)
    return await _end_of(trial)


async def _end_of(trial: Trial) -> str:
    """Reads the whole run once more: its last event's state, and code if it failed."""
    names: list[str] = []
    last = b"{}"

    def hear(name: str, data: bytes) -> None:
        nonlocal last
        names.append(name)
        last = data

    async with asyncio.timeout(PATIENCE):
        stream = await trial.visitor.watch(f"{trial.path}/events", hear)
        await stream.ended
    assert stream.status == HTTPStatus.OK, stream.status
    assert stream.lost + stream.doubled == 0, "ids have a gap"
    assert names.count(Done.name) == 1, names
    assert names[-1] == Done.name, names
    done = json.loads(last)
    return str(done.get("code", done["state"]))


async def _thaw(server: Server, visitor: Visitor, number: int) -> None:
    """A worker that was stopped while it was idle is found out by the next training it gets."""
    while "T" in states_of_children(server.pid).values():
        await _run(server, visitor, number, follow, Random(0))
        number += 1
    await until_warm(visitor)


async def _settled(server: Server, visitor: Visitor, before: Footprint) -> Footprint:
    """What it holds when it is back where it was, or after half a minute in which it was not.

    It is asked for runs that it must look up on its disk meanwhile: threads that look up and write
    end when they had nothing to do for ten seconds and another one is given something.
    """
    for _ in range(60):
        await visitor.ask("GET", "/runs/no-such/events")
        now = await _at_rest(server)
        if all(
            held <= held_before
            for held, held_before in zip(_counts(now), _counts(before), strict=True)
        ):
            break
    return now


async def _at_rest(server: Server) -> Footprint:
    """What it holds once it has noticed that the last connection was closed."""
    await asyncio.sleep(0.5)
    return footprint(server.pid)


def _counts(held: Footprint) -> tuple[int, ...]:
    return held.descriptors, held.threads, held.zombies


def tracebacks(log: Path) -> list[str]:
    """What the server's log has of exceptions: no fault here should lead to one."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return [
        "in the log: " + " / ".join(lines[index : index + 40])
        for index, line in enumerate(lines)
        if "Traceback" in line
    ]


def table(soak: Soak, steady: int = STEADY, every: int = 50) -> list[str]:
    """Lines to print."""
    widths = (12, 12, 12, 8, 8, 8)
    assert soak.after is not None
    shown = [("before", soak.before)]
    shown += [(f"run {n}", soak.samples[n - 1]) for n in range(every, len(soak.samples) + 1, every)]
    shown.append(("after", soak.after))
    lines = [row(("", "memory (MB)", "descriptors", "threads", "zombies", "workers"), widths)]
    for name, held in shown:
        cells = (
            name,
            f"{held.memory_mb:.2f}",
            *map(str, (held.descriptors, held.threads, held.zombies, held.workers)),
        )
        lines.append(row(cells, widths))
    later = len(soak.samples) - steady
    lines.append(
        f"memory: {soak.slope(steady):+.2f} MB per 1,000 runs (least squares, n = {later} samples "
        f"from run {steady} on)"
    )
    for (fault, end), count in sorted(soak.outcomes.items()):
        lines.append(f"{count:>5} × {fault}: {end}")
    return [*lines, f"{len(soak.problems)} problems", *soak.problems]


if __name__ == "__main__":
    main()
