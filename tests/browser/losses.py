"""The two losses of the drawing lipschitz, calculated anew: what its script is held to."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

LOW, HIGH = -3.0, 3.0
FLOOR, CEILING = -0.7, 2.7
TOUCH = -2.3  # where the touching point is at first
PLACES = 3001  # enough that no constant changes in its third digit when there are more


@dataclass(frozen=True)
class Loss:
    """bowl·x² + Σ amplitude·sin(frequency·x + phase), and its derivatives."""

    title: str
    bowl: float
    waves: tuple[tuple[float, float, float], ...]  # amplitude, frequency, phase

    def value(self, x: float) -> float:
        return self.bowl * x**2 + sum(a * math.sin(f * x + p) for a, f, p in self.waves)

    def slope(self, x: float) -> float:
        return 2 * self.bowl * x + sum(a * f * math.cos(f * x + p) for a, f, p in self.waves)

    def curvature(self, x: float) -> float:
        return 2 * self.bowl - sum(a * f**2 * math.sin(f * x + p) for a, f, p in self.waves)

    @cached_property
    def lipschitz(self) -> float:
        return _largest(self.slope)

    @cached_property
    def smoothness(self) -> float:
        return _largest(self.curvature)


def _largest(function: Callable[[float], float]) -> float:
    step = (HIGH - LOW) / (PLACES - 1)
    return max(abs(function(LOW + index * step)) for index in range(PLACES))


ROUGH = Loss("A rough loss", 0.17, ((0.24, 4.2, 0.9), (0.11, 7.9, 2.2)))
SMOOTH = Loss("A smooth loss", 0.17, ((0.24, 1.4, 0.9),))
