"""One line of the cross-check's definitions: pairs of numbers that should agree."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from app.training.randomness import stream

Comparison: TypeAlias = tuple[float, float]

SEEDS = range(20)


@dataclass(frozen=True, slots=True)
class Check:
    """What is compared with what: (theirs, ours) for each seed, and how far they may be apart.

    `apart`: they agree if they are further apart than that, for a formula that has to fail.
    """

    what: str
    against: str
    pairs: Callable[[int], Iterator[Comparison]]
    bound: float
    apart: bool = False

    def worst(self) -> tuple[Comparison, float, int]:
        """The pair that is furthest apart, by how much of the greater, and how many there were."""
        found = [pair for seed in SEEDS for pair in self.pairs(seed)]
        choose = min if self.apart else max
        return (pair := choose(found, key=difference)), difference(pair), len(found)

    def agrees(self, share: float) -> bool:
        """Whether so large a difference is one that it may have."""
        return share > self.bound if self.apart else share <= self.bound


def difference(pair: Comparison) -> float:
    """Between the two, as a share of the greater."""
    theirs, ours = pair
    greater = max(abs(theirs), abs(ours))
    return abs(theirs - ours) / greater if greater else 0.0


def random_numbers(seed: int, name: str, *shape: int) -> Tensor:
    return torch.randn(shape, generator=stream(seed, name), dtype=torch.float64)


def largest_deviation(theirs: Tensor, ours: Tensor) -> Iterator[Comparison]:
    """The largest deviation between two tensors, against the largest value."""
    worst = (theirs - ours).abs().max().item()
    size = theirs.abs().max().item()
    yield size, size - worst
