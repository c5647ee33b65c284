"""What a reader waits for before anything is drawn, and what the server holds meanwhile."""

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.clicks import warm_server
from bench.figures import quantile
from bench.footprint import memory_mb
from bench.rows import Row
from bench.streams import BARE, FASTAPI, FIRST_FIGURE, OURS, Measured, compare
from tests.support.processes import Server, serving

# Few enough that no side falls behind; `bench.streams` has the thousand.
READERS, SECONDS = 200, 5.0
# So many that a hundredth of them is one.
CLICKS, STEPS = 100, 10


def rows(pairs: int) -> Iterator[Row]:
    """First point, start, memory, and what an event costs."""
    with warm_server() as server:
        held = memory_mb(server.pid)
        workers = [memory_mb(pid) for pid in server.worker_pids()]
        waits = [1_000 * first_point(server, seed) for seed in range(CLICKS)]
    against = f"an idle server, {CLICKS} clicks one after the other"
    yield Row("first point, p50 (ms)", [quantile(waits, 0.5)], against, 80)
    yield Row("first point, p99 (ms)", [quantile(waits, 0.99)], against, 200)
    yield Row("server, idle and warm (MB)", [held], "", 90)
    yield Row("worker, idle and warm (MB)", workers, "")
    yield from _start(pairs)
    yield from _fan_out(pairs)


def first_point(server: Server, seed: int) -> float:
    """Seconds from the POST to the first `points` at a client, who then sees the short run end."""
    first = 0.0
    with server.new_client() as visitor:
        visitor.get("/healthz")  # a reader's connection is open before the click
        start = time.perf_counter()
        run = visitor.post(FIRST_FIGURE, json={"seed": seed, "steps": STEPS}).json()
        with visitor.stream("GET", run["events"]) as stream:
            for line in stream.iter_lines():
                if line == "event: points" and not first:
                    first = time.perf_counter() - start
    return first


def _start(times: int) -> Iterator[Row]:
    pages, workers = [], []
    for _ in range(times):
        with TemporaryDirectory() as folder:
            start = time.perf_counter()
            settings = {"store": Path(folder) / "store.db"}
            with serving(Path(folder) / "log", settings) as server:
                with server.new_client() as visitor:
                    assert visitor.get("/").status_code == 200
                pages.append(time.perf_counter() - start)
                server.wait_until_ready()
                workers.append(time.perf_counter() - start)
    yield Row("command to first page (s)", pages, "")
    yield Row("command to warm workers (s)", workers, "")


def _fan_out(pairs: int) -> Iterator[Row]:
    turns = compare(READERS, SECONDS, pairs, (OURS, FASTAPI, BARE))
    ours = turns[OURS.name]
    for side in (FASTAPI, BARE):
        costs = [
            mine.processor_us / theirs.processor_us
            for mine, theirs in zip(ours, turns[side.name], strict=True)
        ]
        yield Row(f"event vs {side.name}", costs, f"processor time, {READERS} readers of one run")
    yield Row("event (µs of processor)", [turn.processor_us for turn in ours], "", 30)
    late = [
        _late(mine) / _late(theirs) for mine, theirs in zip(ours, turns[BARE.name], strict=True)
    ]
    yield Row("event, p99 vs bare ASGI", late, f"due to received, {READERS} readers", 3)
    yield Row("stream (KB)", [turn.memory_kb for turn in ours], "the server's memory without it")


def _late(turn: Measured) -> float:
    return quantile(turn.heard.waits, 0.99)
