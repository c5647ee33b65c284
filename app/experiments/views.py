"""Describes what the views of an experiment show: metrics, profiles, histograms and surfaces.

Each names its kind, which is that of its template and of its script: templates/views.html and
static/js/figure/views.js have one entry for each kind.
"""

from dataclasses import dataclass
from typing import ClassVar, TypeAlias


@dataclass(frozen=True, slots=True)
class Metric:
    """One quantity on a vertical axis; `unit` is empty for a pure number.

    `log`: drawn on a logarithmic axis; `share`: a fraction, shown in percent. `low` and `high`:
    what the axis shows at least; it grows for a value outside. `upper`: the metric that bounds a
    band from above, this one bounding it from below.
    """

    kind: ClassVar = "chart"
    id: str
    label: str
    unit: str
    low: float
    high: float
    log: bool = False
    share: bool = False
    upper: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A metric over something else than steps: what the `Row`s of its name carry.

    `label`: of its horizontal axis, which goes from `low` to `high`, or as far as the rows do
    where that is None. `ticks` are the labelled places; `names` has the names of all places, where
    more have one than are labelled. A place without a name is told by its number. The newest row
    of a training is drawn.
    """

    kind: ClassVar = "profile"
    metric: Metric
    label: str
    low: float
    high: float | None = None
    ticks: tuple[tuple[float, str], ...] = ()
    names: tuple[tuple[float, str], ...] = ()

    @property
    def id(self) -> str:
        """Its metric's."""
        return self.metric.id

    @property
    def place_names(self) -> dict[float, str]:
        """The names of all places that have one."""
        return dict(self.names or self.ticks)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often values fall into bins, an arm each: what the `Row`s of the name `id` carry."""

    kind: ClassVar = "histogram"
    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Surface:
    """A quantity over a plane, an arm each: what the `Row`s of the name `id` carry, line by line.

    `scale` says what its shades mean.
    """

    kind: ClassVar = "surface"
    id: str
    label: str
    scale: str


View: TypeAlias = Metric | Profile | Histogram | Surface


@dataclass(frozen=True, slots=True)
class Level:
    """A line to hold a chart's curves against: horizontal, or from `value` straight to `until`."""

    metric: str
    value: float
    label: str
    until: float | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """Its values at the left and at the right edge."""
        return self.value, self.value if self.until is None else self.until
