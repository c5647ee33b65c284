"""Lines and how they are told: app/web/summary.py and static/js/summary.js are held to the same."""

from app.web.summary import Line

COURSES: list[tuple[Line, str]] = [
    (
        [(0, 2.31), (2, 2.404), (4, 0.3), (6, 0.5)],
        "first 2.31 at 0, greatest 2.4 at 2, least 0.3 at 4, last 0.5 at 6",
    ),
    ([(0, 2.0), (2, 1.0)], "first and greatest 2 at 0, least and last 1 at 2"),
    ([(0, 1.0), (2, 1.0), (4, 2.0)], "first and least 1 at 0, greatest and last 2 at 4"),
    ([(0, 2.0), (2, 2.0), (4, 2.0001)], "2 from 0 to 4"),
    ([(8, 2.5e6)], "2.5·10⁶ at 8"),
    (
        [(0, 2.0), (2, 3.0), (4, None), (6, float("inf"))],
        "first and least 2 at 0, greatest and last 3 at 2, not finite from 4 on",
    ),
    (
        [(0, None), (2, 3.0), (4, 2.0)],
        "first and greatest 3 at 2, least and last 2 at 4, not finite at 1 of 3 places",
    ),
    ([(0, None)], "not finite from 0 on"),
]
# value, digits, as it is written
NUMERALS: list[tuple[float, int, str]] = [
    (0, 3, "0"),
    (-0.0, 3, "0"),
    (1.125, 3, "1.13"),  # a tie
    (-1.125, 3, "−1.13"),
    (9999, 3, "9,999"),
    (0.0009996, 3, "10⁻³"),
    (-1e6, 3, "−10⁶"),
    (-7.5e8, 3, "−7.5·10⁸"),
    (1234.5678, 3, "1,235"),
    (-1234.5678, 6, "−1,234.57"),
    (999.96, 3, "1,000"),
    (0.1 + 0.2, 6, "0.3"),
]
