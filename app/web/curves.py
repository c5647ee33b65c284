"""Two made-up losses of one weight, a rough and a smooth one, with the bounds that describe them.

static/js/curves.js calculates the same in the browser, once a reader moves the point.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

# What is drawn: the weight from left to right, the loss from the bottom up.
LOW, HIGH = -3.0, 3.0
FLOOR, CEILING = -0.7, 2.7
# Where the touching point is at first.
TOUCH = -2.3
# Enough places that no constant changes in its third digit when there are more.
PLACES = 3001
SEGMENTS = 240  # of a drawn curve


@dataclass(frozen=True)
class Loss:
    """bowl·x² + Σ amplitude·sin(frequency·x + phase), and its derivatives."""

    title: str
    bowl: float
    waves: tuple[tuple[float, float, float], ...]  # amplitude, frequency, phase

    def value(self, x: float) -> float:
        """The loss at the weight `x`."""
        return self.bowl * x**2 + sum(a * math.sin(f * x + p) for a, f, p in self.waves)

    def slope(self, x: float) -> float:
        """The first derivative."""
        return 2 * self.bowl * x + sum(a * f * math.cos(f * x + p) for a, f, p in self.waves)

    def curvature(self, x: float) -> float:
        """The second derivative."""
        return 2 * self.bowl - sum(a * f**2 * math.sin(f * x + p) for a, f, p in self.waves)

    @cached_property
    def lipschitz(self) -> float:
        """K, the greatest slope on the drawn interval."""
        return _largest(self.slope)

    @cached_property
    def smoothness(self) -> float:
        """β, the greatest curvature there, upwards or downwards."""
        return _largest(self.curvature)

    @cached_property
    def points(self) -> str:
        """The curve as the data of an SVG path, in its own units."""
        places = [LOW + (HIGH - LOW) * index / SEGMENTS for index in range(SEGMENTS + 1)]
        return "M" + "L".join(f"{x:.3f} {self.value(x):.3f}" for x in places)


def _largest(function: Callable[[float], float]) -> float:
    step = (HIGH - LOW) / (PLACES - 1)
    return max(abs(function(LOW + index * step)) for index in range(PLACES))


ROUGH = Loss("A rough loss", 0.17, ((0.24, 4.2, 0.9), (0.11, 7.9, 2.2)))
SMOOTH = Loss("A smooth loss", 0.17, ((0.24, 1.4, 0.9),))


@dataclass(frozen=True, slots=True)
class Touch:
    """What touches a loss at one point, as the data of SVG paths in the loss's own units."""

    x: float
    y: float
    cone: str  # both halves, up to the edges of the drawing
    parabola: str
    vertex: tuple[float, float]  # of the parabola: where a gradient step of 1/β leads


def touch(loss: Loss, x: float = TOUCH) -> Touch:
    """The double cone of slope K and the parabola of curvature β at the weight `x`."""
    y, slope, beta = loss.value(x), loss.slope(x), loss.smoothness
    halves = (
        f"M{x:.3f} {y:.3f}L{x - half:.3f} {edge}H{x + half:.3f}Z"
        for edge in (CEILING, FLOOR)
        for half in [abs(edge - y) / loss.lipschitz]
    )
    # A parabola is a quadratic Bézier curve, its control point as far below the vertex as its ends
    # are above.
    bottom = x - slope / beta
    depth = y - slope**2 / (2 * beta)
    half = math.sqrt(2 * (CEILING - depth) / beta)
    left, right = bottom - half, bottom + half
    control = 2 * depth - CEILING
    return Touch(
        x=x,
        y=y,
        cone="".join(halves),
        parabola=f"M{left:.3f} {CEILING}Q{bottom:.3f} {control:.3f} {right:.3f} {CEILING}",
        vertex=(bottom, depth),
    )


@cache
def draw_losses() -> list[tuple[Loss, Touch]]:
    """The two panels as they are before anyone moves the point."""
    return [(loss, touch(loss)) for loss in (ROUGH, SMOOTH)]
