"""A chart in words, for who can’t see it. `summary.js` says the same of the same lines."""

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TypeAlias, TypeGuard

from app.experiments.base import Level, Metric
from app.numerals import typeset

DIGITS = 3

Line: TypeAlias = Sequence[tuple[float, float | None]]
Words: TypeAlias = Callable[[float], str]


def finite(value: float | None) -> TypeGuard[float]:
    """Can be drawn: neither NaN nor infinite, nor the `null` that both are on the wire."""
    return value is not None and math.isfinite(value)


def summary(
    metric: Metric,
    x_title: str,
    lines: Sequence[tuple[str, Line]],
    *,
    names: Mapping[float, str] | None = None,
    levels: Sequence[Level] = (),
) -> str:
    """Of each line, by its label: the first, the least, the greatest and the last value.

    `lines` are in the order of their places, of which some may have `names`.
    """
    number = in_percent if metric.share else _in_digits

    def place(x: float) -> str:
        return (names or {}).get(x) or numeral(x, 4)

    told = [(label, line) for label, line in lines if line]
    unit = f" ({metric.unit})" if metric.unit else ""
    nothing = "" if told else ": nothing measured yet"
    sentences = [
        f"{metric.label}{unit} over the {x_title}{nothing}.",
        *(f"{label}: {_course(line, number, place)}." for label, line in told),
        *(f"Dotted line, {level.label}: {_ends(level, number)}." for level in levels),
    ]
    return " ".join(sentences)


def numeral(value: float, digits: int) -> str:
    """As 0.2 or 5,000, and as 2·10⁶ where that would be long. `numbers.js` does the same.

    No digit before the decimal point is rounded away. A tie goes away from zero, as in browsers.
    """
    if value == 0:
        return "0"
    in_full = 1e-3 <= abs(value) < 1e4
    if in_full and abs(value) >= 1e3:
        digits = max(digits, 4)
    exact = Context(prec=digits, rounding=ROUND_HALF_UP).create_decimal(Decimal(value))
    if in_full:
        return typeset(f"{float(exact):,.{max(digits, 6)}g}")
    mantissa, exponent = f"{exact:.{digits - 1}e}".split("e")
    return typeset(f"{float(mantissa):g}e{exponent}")


def _in_digits(value: float) -> str:
    return numeral(value, DIGITS)


def in_percent(value: float) -> str:
    """A share as 12.3%; a tie goes away from zero, too."""
    text = f"{Decimal(100 * value).quantize(Decimal('0.1'), ROUND_HALF_UP)}%"
    return "0.0%" if float(text[:-1]) == 0 else typeset(text)


def _course(line: Line, number: Words, place: Words) -> str:
    points = [(x, value) for x, value in line if finite(value)]
    broken = _gaps(line, place)
    if not points:
        return broken
    values = [value for _, value in points]
    roles = {
        "first": 0,
        "least": values.index(min(values)),
        "greatest": values.index(max(values)),
        "last": len(points) - 1,
    }
    (start, value), (end, _) = points[0], points[-1]
    if len({number(value) for value in values}) == 1:
        where = f"at {place(start)}" if len(points) == 1 else f"from {place(start)} to {place(end)}"
        words = [f"{number(value)} {where}"]
    else:
        words = [
            f"{' and '.join(name for name, at in roles.items() if at == index)} "
            f"{number(points[index][1])} at {place(points[index][0])}"
            for index in sorted(set(roles.values()))
        ]
    return ", ".join([*words, *([broken] if broken else [])])


def _gaps(line: Line, place: Words) -> str:
    """Where values were not finite."""
    broken = [index for index, (_, value) in enumerate(line) if not finite(value)]
    if not broken:
        return ""
    if len(line) - broken[0] == len(broken):
        return f"not finite from {place(line[broken[0]][0])} on"
    return f"not finite at {len(broken)} of {len(line)} places"


def _ends(level: Level, number: Words) -> str:
    start, end = level.ends
    return number(start) if level.until is None else f"from {number(start)} to {number(end)}"
