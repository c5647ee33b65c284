"""`make bench`: one table on stdout. Ratios, because absolute times differ between machines."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx

ROOT = Path(__file__).parents[1]
ROW = "{:<28} {:>8} {:>8} {:>8} {:>4}  {}"


def main() -> None:
    """Runs each comparison `--pairs` times, its two sides in turn."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("--pairs", type=int, default=5, metavar="N")
    pairs = parser.parse_args().pairs
    print(ROW.format("row", "median", "min", "max", "n", "what"))
    with warm_server() as url:
        ratios, firsts = [], []
        for seed in range(pairs):
            first, figure = time_figure(url, seed)
            ratios.append(figure / time_plain(seed))
            firsts.append(1000 * first)
    show("figure vs plain script", ratios, "POST to done over the same four trainings, plainly")
    show("first point (ms)", firsts, "POST to the first `points` event, idle server")


def show(name: str, values: list[float], what: str) -> None:
    """Prints one row."""
    figures = (f"{value:.3g}" for value in (median(values), min(values), max(values)))
    print(ROW.format(name, *figures, len(values), what))


@contextmanager
def warm_server() -> Iterator[str]:
    """A server with its default number of workers, all of them warm."""
    with subprocess.Popen(
        [sys.executable, "-m", "app"],
        cwd=ROOT,
        env=os.environ | {"BATCHNORM_PORT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        try:
            while httpx.get(f"{url}/readyz").status_code != httpx.codes.OK:
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()


def time_figure(url: str, seed: int) -> tuple[float, float]:
    """Seconds from the POST to the first point, and to the end."""
    start = time.perf_counter()
    run = httpx.post(f"{url}/experiments/learning-rates/runs", json={"seed": seed}).json()
    first = 0.0
    with httpx.stream("GET", f"{url}{run['events']}", timeout=300) as stream:
        for line in stream.iter_lines():
            if line == "event: points" and not first:
                first = time.perf_counter() - start
    return first, time.perf_counter() - start


def time_plain(seed: int) -> float:
    """Seconds that the plain script takes for its trainings, without its imports."""
    code = (
        "import time, bench.plain as plain; import torch; start = time.perf_counter(); "
        f"plain.main({seed}); print(time.perf_counter() - start)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return float(result.stdout)


if __name__ == "__main__":
    main()
