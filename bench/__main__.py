"""`make bench`: one table on stdout. Ratios, because absolute times differ between machines."""

import argparse
import subprocess
import sys
import time
from statistics import median

import httpx

from bench.clicks import warm_server
from bench.streams import FASTAPI, OURS, compare
from tests.processes import ROOT

ROW = "{:<28} {:>8} {:>8} {:>8} {:>4}  {}"
# Few enough that neither side falls behind; `make load` has the thousand.
READERS, SECONDS = 200, 5.0


def main() -> None:
    """Runs each comparison `--pairs` times, its two sides in turn."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    parser.add_argument("--pairs", type=int, default=5, metavar="N")
    pairs = parser.parse_args().pairs
    print(ROW.format("row", "median", "min", "max", "n", "what"))
    with warm_server() as server:
        ratios, firsts = [], []
        for seed in range(pairs):
            first, figure = time_figure(server.url, seed)
            ratios.append(figure / time_plain(seed))
            firsts.append(1000 * first)
    show("figure vs plain script", ratios, "POST to done over the same four trainings, plainly")
    show("first point (ms)", firsts, "POST to the first `points` event, idle server")
    turns = compare(READERS, SECONDS, pairs, (OURS, FASTAPI))
    costs = [
        ours.processor_us / plain.processor_us
        for ours, plain in zip(turns[OURS.name], turns[FASTAPI.name], strict=True)
    ]
    show("event vs plain FastAPI", costs, "processor time an event, 200 readers of one run")


def show(name: str, values: list[float], what: str) -> None:
    """Prints one row."""
    figures = (f"{value:.3g}" for value in (median(values), min(values), max(values)))
    print(ROW.format(name, *figures, len(values), what))


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
