"""`python -m bench.streams`: many readers of one run that says ten things a second.

Three servers take turns, each in a process of its own and started afresh: ours, a plain FastAPI
app with FastAPI's own event stream, and an ASGI function that writes bytes, which is the floor.
All readers come at once and are counted in one other process. A wait counts from when an event
was due (or from when a reader began to connect) to when its reader's process has it.
"""

import argparse
import asyncio
import resource
import sys
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from re import compile as pattern
from tempfile import TemporaryDirectory
from time import monotonic, process_time

import uvloop

from bench.figures import machine, quantile, row, spread
from bench.footprint import memory_mb, processor_seconds
from bench.sides.feed import DUE, EVENTS_A_SECOND, STEPS
from bench.wire import EventReader, Visitor
from tests.support.processes import Server, serving

FIRST_FIGURE = "/experiments/learning-rates/runs"
# Readers who come and go before anything is measured: what is loaded late is loaded then.
WARM_UP = 20
SETTLE_SECONDS = 3.0
# A server that has fallen behind gets this long to deliver what it owes.
PATIENCE = 60.0
DUE_TIME = pattern(rb'"%s": ?\[([\d.]+)\]' % DUE.encode())
# Descriptors of a process beside those of its readers.
RESERVE = 200


@dataclass(frozen=True)
class Side:
    """A server to measure: its module, and how its one run is begun."""

    name: str
    module: str
    path: str
    sent: dict[str, int] = field(default_factory=dict)


OURS = Side("ours", "bench.sides.ours", FIRST_FIGURE, {"steps": STEPS})
FASTAPI = Side("FastAPI SSE", "bench.sides.fastapi_sse", "/run")
BARE = Side("bare ASGI", "bench.sides.bare", "/run")
SIDES = (OURS, FASTAPI, BARE)


@dataclass
class Heard:
    """What all readers of one server were told: seconds to the first event, and to each one that
    came while `counting`.
    """

    readers: int
    counting: bool = False
    everybody: asyncio.Event = field(default_factory=asyncio.Event)
    first: "array[float]" = field(default_factory=lambda: array("d"))
    waits: "array[float]" = field(default_factory=lambda: array("d"))

    def reader(self) -> Callable[[str, bytes], None]:
        """Listens for one reader, who begins to connect now."""
        began, heard_any = monotonic(), False

        def hear(_: str, data: bytes) -> None:
            nonlocal heard_any
            now = monotonic()
            if not heard_any:
                heard_any = True
                self.first.append(now - began)
                if len(self.first) == self.readers:
                    self.everybody.set()
            if self.counting and (due := DUE_TIME.search(data)):
                self.waits.append(now - float(due[1]))

        return hear


@dataclass(frozen=True)
class Measured:
    """One turn of one side."""

    heard: Heard
    processor_us: float
    busy: float
    readers_busy: float
    memory_kb: float
    lost: int
    doubled: int
    unfinished: int


def main() -> None:
    """Prints one table; the exit code is 1 if ours lost an event, or gave one twice."""
    parser = argparse.ArgumentParser(prog="python -m bench.streams", description=main.__doc__)
    parser.add_argument("--readers", type=int, default=1000, metavar="N")
    parser.add_argument("--seconds", type=float, default=20, metavar="S", help="measured")
    parser.add_argument("--rounds", type=int, default=2, metavar="N", help="turns of each side")
    options = parser.parse_args()
    print(machine())
    print(
        f"{options.readers} readers of one run, {EVENTS_A_SECOND} events a second, measured for "
        f"{options.seconds:g} s; {options.rounds} rounds: median [least–greatest] of them"
    )
    turns = compare(options.readers, options.seconds, options.rounds)
    for line in table(turns):
        print(line)
    if any(turn.lost or turn.doubled or turn.unfinished for turn in turns[OURS.name]):
        sys.exit(1)


def compare(
    readers: int, seconds: float, rounds: int, sides: Sequence[Side] = SIDES
) -> dict[str, list[Measured]]:
    """Measures each side `rounds` times, in turn."""
    allow_descriptors(readers + RESERVE)
    turns: dict[str, list[Measured]] = {side.name: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            turns[side.name].append(measure(side, readers, seconds))
    return turns


def measure(side: Side, readers: int, seconds: float) -> Measured:
    """Starts the side's server and has it watched."""
    with TemporaryDirectory() as folder:
        settings = {"store": Path(folder) / "store.db", "streams": readers + WARM_UP, "workers": 1}
        with serving(Path(folder) / "log", settings, side.module) as server:
            return uvloop.run(_watch(server, side, readers, seconds))


async def _watch(server: Server, side: Side, readers: int, seconds: float) -> Measured:
    owner = Visitor(server.url)
    begun = await owner.ask("POST", side.path, side.sent)
    assert begun.status == 201, begun
    path = str(begun.value("events"))
    for reader in await _connect(server, path, Heard(WARM_UP)):
        reader.close()
    await asyncio.sleep(SETTLE_SECONDS)

    memory, heard = memory_mb(server.pid), Heard(readers)
    streams = await _connect(server, path, heard)
    await asyncio.sleep(SETTLE_SECONDS)
    began, used, ours = monotonic(), processor_seconds(server.pid), process_time()
    heard.counting = True
    await asyncio.sleep(seconds)
    heard.counting, took = False, monotonic() - began
    used, ours = processor_seconds(server.pid) - used, process_time() - ours
    memory = memory_mb(server.pid) - memory

    await owner.ask("DELETE", begun.headers["location"])
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(stream.ended for stream in streams))
    last = max(stream.last_id for stream in streams)
    return Measured(
        heard,
        processor_us=1e6 * used / max(1, len(heard.waits)),
        busy=used / took,
        readers_busy=ours / took,
        memory_kb=1000 * memory / readers,
        lost=sum(stream.lost + last - stream.last_id for stream in streams),
        doubled=sum(stream.doubled for stream in streams),
        unfinished=sum(stream.last_id < last for stream in streams),
    )


async def _connect(server: Server, path: str, heard: Heard) -> list[EventReader]:
    """All of them at once; returns when each has been told something, or has waited in vain."""
    visitor = Visitor(server.url)
    watching = (visitor.watch(path, heard.reader()) for _ in range(heard.readers))
    streams = await asyncio.gather(*watching)
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await heard.everybody.wait()
    return streams


FIGURES: dict[str, Callable[[Measured], float]] = {
    "first event, p50 (ms)": lambda turn: 1000 * quantile(turn.heard.first, 0.5),
    "first event, p99 (ms)": lambda turn: 1000 * quantile(turn.heard.first, 0.99),
    "event, p50 (ms)": lambda turn: 1000 * quantile(turn.heard.waits, 0.5),
    "event, p99 (ms)": lambda turn: 1000 * quantile(turn.heard.waits, 0.99),
    "event, longest (ms)": lambda turn: 1000 * quantile(turn.heard.waits, 1),
    "processor an event (µs)": lambda turn: turn.processor_us,
    "server, of one processor": lambda turn: turn.busy,
    "readers, of one processor": lambda turn: turn.readers_busy,
    "memory a stream (KB)": lambda turn: turn.memory_kb,
    "events measured": lambda turn: len(turn.heard.waits),
    "events never delivered": lambda turn: turn.lost,
    "events given twice": lambda turn: turn.doubled,
    "streams without an end": lambda turn: turn.unfinished,
}


def table(turns: dict[str, list[Measured]]) -> list[str]:
    """A line for each figure, a column for each side."""
    widths = [26, *(24 for _ in turns)]
    lines = [row(["", *turns], widths)]
    for name, figure in FIGURES.items():
        cells = [spread([figure(turn) for turn in side]) for side in turns.values()]
        lines.append(row([name, *cells], widths))
    return lines


def allow_descriptors(number: int) -> None:
    """So many for this process and those it starts; raises ValueError where that can't be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


if __name__ == "__main__":
    main()
