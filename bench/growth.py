"""Is it linear where it should be: time over seeds and workers, cost over readers."""

from collections.abc import Iterator

from bench.clicks import warm_server
from bench.rows import Row
from bench.streams import OURS, compare
from bench.training import seconds_of

SEEDS = (2, 5, 10)
READERS = (1, 10, 100, 300)
SECONDS = 5.0
# Of a figure with up to ten seeds.
STEPS = 20


def rows(pairs: int) -> Iterator[Row]:
    """Each as a ratio to its smallest; where it is linear, that of their sizes."""
    yield from _seeds(pairs)
    yield from _workers(pairs)
    yield from _readers(pairs)


def _seeds(pairs: int) -> Iterator[Row]:
    """Runs of so many seeds, with one worker: nothing can be hidden behind another training."""
    with warm_server(workers=1) as server:
        ratios = {seeds: list[float]() for seeds in SEEDS}
        for pair in range(pairs):
            one = seconds_of(server, 100 * pair, steps=STEPS)
            for place, seeds in enumerate(SEEDS, 1):
                took = seconds_of(server, 100 * pair + 20 * place, seeds, STEPS)
                ratios[seeds].append(took / one)
    for seeds in SEEDS:
        yield Row(f"{seeds} seeds vs 1, one worker", ratios[seeds], f"linear: {seeds}")


def _workers(pairs: int) -> Iterator[Row]:
    with warm_server(workers=1) as one, warm_server(workers=2) as two:
        ratios = [seconds_of(two, seed) / seconds_of(one, seed) for seed in range(pairs)]
    yield Row("two workers vs one", ratios, "the first figure; linear: 0.5")


def _readers(pairs: int) -> Iterator[Row]:
    costs = {
        readers: [
            turn.processor_us for turn in compare(readers, SECONDS, pairs, (OURS,))[OURS.name]
        ]
        for readers in READERS
    }
    for readers in READERS:
        yield Row(
            f"an event to each of {readers} readers (µs)",
            costs[readers],
            "processor time for each of them; linear: the same",
        )
