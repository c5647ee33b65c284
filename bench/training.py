"""How long a figure takes, and against what: each pair of sides measured in turn."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from app.experiments.catalogue.learning_rates import LEARNING_RATES
from bench import floor
from bench.clicks import warm_server
from bench.rows import Row
from bench.streams import FIRST_FIGURE
from tests.support.processes import ROOT, Server

SEEDS = 5


def rows(pairs: int) -> Iterator[Row]:
    """The first figure, from the click to `done`."""
    yield from _figures(pairs)
    yield from _overhead(pairs)


def _figures(pairs: int) -> Iterator[Row]:
    plain, floors, several = [], [], []
    with warm_server() as server:
        for seed in range(pairs):
            figure = seconds_of(server, seed)
            plain.append(figure / _plain(seed))
            specs = list(LEARNING_RATES.trainings(LEARNING_RATES.parse({"seed": seed})))
            floors.append(figure * floor.rate() / floor.operations(specs))
            several.append(seconds_of(server, 1_000 + seed * SEEDS, SEEDS) / figure)
    yield Row(
        "figure vs plain script",
        plain,
        "`bench/plain.py`: the same four trainings as a tutorial writes them, without its imports",
        0.20,
    )
    yield Row(
        "figure vs floor",
        floors,
        "its operations at the rate of one wide convolution repeated (`bench/floor.py`)",
        2.5,
    )
    yield Row("five seeds vs one", several, "the same figure with one seed", 3.5)


def _overhead(pairs: int) -> Iterator[Row]:
    with warm_server(workers=1) as server, _draining() as drain:
        ratios = [seconds_of(server, seed) / _ask(drain, seed) for seed in range(pairs)]
    yield Row(
        "engine overhead",
        ratios,
        "the same trainings drained in one process: no worker, log or stream; both on one thread",
        1.05,
    )


def seconds_of(server: Server, seed: int, seeds: int = 1, steps: int = 100) -> float:
    """From the POST to `done`, at a client."""
    asked = {"seed": seed, "seeds": seeds, "steps": steps}
    with server.new_client() as visitor:
        start = time.perf_counter()
        run = visitor.post(FIRST_FIGURE, json=asked).json()
        with visitor.stream("GET", run["events"], timeout=httpx.Timeout(300)) as stream:
            last = list(stream.iter_lines())[-2]
        took = time.perf_counter() - start
    assert '"finished"' in last, last
    return took


def _plain(seed: int) -> float:
    """Seconds that the plain script takes for its trainings, without its imports."""
    code = (
        "import time, bench.plain as plain; import torch; start = time.perf_counter(); "
        f"plain.main({seed}); print(time.perf_counter() - start)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, encoding="utf-8"
    )
    return float(result.stdout)


@contextmanager
def _draining() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "bench.drain"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def _ask(process: "subprocess.Popen[str]", seed: int) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{seed}\n")
    process.stdin.flush()
    return float(process.stdout.readline())
