"""Widget bowl's numbers, and its still picture: the error of a linear unit over its two weights."""

import math
from dataclasses import dataclass
from functools import cache

Vector = tuple[float, float]

# The inputs as the reader meets them: both are moved by the offset, the second is scaled.
OFFSET = 2.5
SCALE = 0.5

# The known weights, where the error is least, and where the descent starts.
MINIMUM: Vector = (1.0, 1.0)
START: Vector = (-0.4, 3.4)
# The descent has arrived when this share of its first error is left.
GOAL = 0.01

# Each contour line stands for twice the error of the next one inside; 1 is the error at the start.
LEVELS = tuple(2.0**power for power in range(-5, 7))


@dataclass(frozen=True, slots=True)
class Bowl:
    """The error over two weights, in their own units: ellipses around `MINIMUM`, and a descent."""

    title: str
    angle: float  # of the steepest direction, in degrees
    contours: list[Vector]  # half axes of the ellipses, along the steepest direction and across
    goal: Vector
    path: list[Vector]
    condition: float

    @property
    def steps(self) -> int:
        """How many steps lead to the goal."""
        return len(self.path) - 1


@cache
def draw_bowls() -> list[Bowl]:
    """What widget bowl shows, for readers without scripts: inputs as they are, and normalised."""
    return [
        _bowl("the inputs as they are", (OFFSET, OFFSET), (1.0, SCALE)),
        _bowl("each input normalised", (0.0, 0.0), (1.0, 1.0)),
    ]


def _bowl(title: str, means: Vector, deviations: Vector) -> Bowl:
    """For uncorrelated inputs. Their mean squared error has the Hessian 2·E[x xᵀ]."""
    a, c = (2 * (mean**2 + deviation**2) for mean, deviation in zip(means, deviations, strict=True))
    b = 2 * means[0] * means[1]
    middle, radius = (a + c) / 2, math.hypot((a - c) / 2, b)
    steep, flat = middle + radius, middle - radius

    def error(place: Vector) -> float:
        x, y = (at - least for at, least in zip(place, MINIMUM, strict=True))
        return (a * x * x + 2 * b * x * y + c * y * y) / 2

    first = error(START)
    rate = 2 / (steep + flat)
    path = [START]
    while error(path[-1]) > GOAL * first:
        x, y = (at - least for at, least in zip(path[-1], MINIMUM, strict=True))
        gradient = a * x + b * y, b * x + c * y
        path.append((path[-1][0] - rate * gradient[0], path[-1][1] - rate * gradient[1]))

    def half_axes(share: float) -> Vector:
        return math.sqrt(2 * share * first / steep), math.sqrt(2 * share * first / flat)

    return Bowl(
        title=title,
        angle=math.degrees(math.atan2(2 * b, a - c) / 2),
        contours=[half_axes(level) for level in reversed(LEVELS)],
        goal=half_axes(GOAL),
        path=path,
        condition=steep / flat,
    )
