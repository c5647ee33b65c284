"""One parameter of an experiment over several values, each with the same seeds: a map's data."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Panel:
    """One map: the last value of that metric of that arm, for each value and seed."""

    arm: str
    metric: str
    label: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """`parameter` takes each of `values`, with `seeds` consecutive seeds each.

    All panels share a scale from `low` to `high`, in the unit of their metrics; what lies beyond
    is drawn like its nearer end. `name` is the parameter in a reader's words.
    """

    parameter: str
    name: str
    values: tuple[float | int, ...]
    seeds: int
    panels: tuple[Panel, ...]
    low: float = 0
    high: float = 1

    def asked(self, first_seed: int) -> Iterator[dict[str, object]]:
        """What to ask the experiment for, value by value and seed by seed: a run a cell."""
        for value in self.values:
            for seed in range(first_seed, first_seed + self.seeds):
                yield {self.parameter: value, "seed": seed}
