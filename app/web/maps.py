"""A recorded run's histograms and loss surfaces, as geometry: what is seen without a script."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from app.events import Row
from app.experiments.base import Arm
from app.web.summary import finite

# Shares above this, in percent, are cut off and written beside their bar.
HIGHEST_SHARE = 40

# The style sheet has that many shades, from the lowest loss to the highest.
SHADES = 12
# Mantissas of round numbers, from ten a decade (Renard's series) to one.
SERIES = (
    (1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8),
    (1, 1.6, 2.5, 4, 6.3),
    (1, 2, 5),
    (1,),
)


@dataclass(frozen=True, slots=True)
class HistogramDrawing:
    """One arm's last histogram. Lengths are in bins across and in percent upwards.

    `first` is the outline of the first histogram; `cut` the bars that are higher than the drawing,
    as (bin, percent); `mean` and `deviation` are of the binned values, in their own unit.
    """

    step: int
    bins: int
    low: float
    high: float
    bars: str
    first: str
    cut: Sequence[tuple[int, int]]
    mean: float
    deviation: float

    def bin_of(self, value: float) -> float:
        """Where a value lies, counted in bins from the left edge."""
        return round((value - self.low) / (self.high - self.low) * self.bins, 2)


def draw_histogram(rows: Sequence[Row], arm: Arm) -> HistogramDrawing | None:
    """The arm's histogram at its last step, of its first seed."""
    own = [row for row in rows if row.metric == "inputs" and row.arm == arm.id]
    own = [row for row in own if row.seed == own[0].seed]
    if not own:
        return None
    first, last = own[0], own[-1]
    shares, places = _shares(last), last.places()
    half = (last.high - last.low) / (len(places) - 1) / 2
    mean = sum(share * place for share, place in zip(shares, places, strict=True)) / 100
    variance = (
        sum(share * (place - mean) ** 2 for share, place in zip(shares, places, strict=True)) / 100
    )
    return HistogramDrawing(
        step=last.step,
        bins=len(places),
        low=last.low - half,
        high=last.high + half,
        bars=_skyline(shares),
        first=_skyline(_shares(first)),
        cut=[(at, round(share)) for at, share in enumerate(shares) if share > HIGHEST_SHARE],
        mean=mean,
        deviation=math.sqrt(variance),
    )


def _shares(row: Row) -> list[float]:
    """Percent of all values in each bin."""
    return [100 * count / sum(row.values) for count in row.values]


def _skyline(shares: Sequence[float]) -> str:
    text, at = "M0 0", 0
    for height, run in groupby(min(share, HIGHEST_SHARE) for share in shares):
        at += len(list(run))
        text += f"V{height:.3g}H{at}"
    return f"{text}V0"


@dataclass(frozen=True, slots=True)
class SurfaceDrawing:
    """One arm's surface, a path of cells for each shade; `points` rows and columns of them."""

    arm: Arm
    points: int
    shades: Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class SurfacesDrawing:
    """All arms on one scale: `edges` are the losses at which the shade changes."""

    surfaces: Sequence[SurfaceDrawing]
    edges: Sequence[float]
    shades: Sequence[int]


def draw_surfaces(rows: Sequence[Row], arms: Sequence[Arm]) -> SurfacesDrawing:
    """The loss around the final weights of each arm's first seed, y growing upwards."""
    grids = {arm.id: _grid(rows, arm.id) for arm in arms}
    edges = loss_edges(
        value for grid in grids.values() for row in grid for value in row.values if finite(value)
    )
    shades = shades_of(len(edges) - 1)
    return SurfacesDrawing(
        surfaces=[
            SurfaceDrawing(arm, len(grids[arm.id]), _cells(grids[arm.id], edges, shades))
            for arm in arms
        ],
        edges=edges,
        shades=shades,
    )


def loss_edges(losses: Iterable[float]) -> list[float]:
    """Round numbers around all `losses`, evenly spaced on a logarithmic scale, with at most
    SHADES bands between them. What lies above the last is in the last band.
    """
    positive = [loss for loss in losses if loss > 0] or [1.0]
    low, high = min(positive), max(positive)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for series in SERIES:
        steps = [float(f"{m}e{power}") for power in range(first, last + 1) for m in series]
        start = bisect_right(steps, low) - 1
        end = next(at for at, step in enumerate(steps) if at > start and step >= high)
        if end - start <= SHADES:
            break
    return steps[start : end + 1][: SHADES + 1]


def shades_of(bands: int) -> list[int]:
    """The shade of each band: always from the first to the last of them."""
    return [round(band * (SHADES - 1) / max(bands - 1, 1)) for band in range(bands)]


def _grid(rows: Sequence[Row], arm: str) -> list[Row]:
    own = [row for row in rows if row.metric == "surface" and row.arm == arm]
    return sorted((row for row in own if row.seed == own[0].seed), key=lambda row: row.y or 0)


def _cells(
    grid: Sequence[Row], edges: Sequence[float], shades: Sequence[int]
) -> list[tuple[int, str]]:
    """Cells of one shade in one row, side by side, are one stroke."""
    paths: dict[int, str] = {}
    for index, row in enumerate(grid):
        at = 0
        for shade, run in groupby(shades[_band(value, edges)] for value in row.values):
            length = len(list(run))
            paths[shade] = f"{paths.get(shade, '')}M{at} {index}.5h{length}"
            at += length
    return sorted(paths.items())


def _band(value: float | None, edges: Sequence[float]) -> int:
    last = len(edges) - 2
    return min(max(bisect_right(edges, value) - 1, 0), last) if finite(value) else last
