"""What a measure finds along an axis that is not the one of steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Line:
    """Values at evenly spaced places from `low` to `high`, both included: two at least."""

    low: float
    high: float
    values: Sequence[float]


# By the name of its metric: a point over the steps, or a line over something else.
Measured: TypeAlias = Mapping[str, float | Line]
