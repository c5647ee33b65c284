"""The rows of `make bench`: what was measured, against what, and what was aimed at."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity. `values`: one for each pair of measurements taken in turn, or for each
    measurement; `aim`: its median should be at most that.
    """

    name: str
    values: Sequence[float]
    against: str
    aim: float | None = None

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def reached(self) -> str:
        """What became of the aim, in a word."""
        if self.aim is None:
            return ""
        return "yes" if self.median <= self.aim else "no"


HEAD = ("row", "median", "least", "greatest", "n", "aim", "reached", "what it is held against")


def cells(row: Row) -> tuple[str, ...]:
    """As they stand under HEAD."""
    figures = (row.median, min(row.values), max(row.values))
    aim = "" if row.aim is None else f"≤ {row.aim:g}"
    return (
        row.name,
        *(f"{figure:.3g}" for figure in figures),
        str(len(row.values)),
        aim,
        row.reached,
        row.against,
    )


def line(cells: Sequence[str]) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"
