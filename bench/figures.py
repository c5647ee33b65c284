"""Numbers as the benches print them: with n, their spread, and on what they were measured."""

import os
import platform
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from statistics import median

QUANTILES = (("p10", 0.1), ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0))


def quantile(values: Sequence[float], share: float) -> float:
    """The least value that `share` of them do not exceed; NaN of none."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def spread(values: Sequence[float]) -> str:
    """Median, and from the least to the greatest where there are several."""
    if len(values) == 1:
        return f"{values[0]:.3g}"
    return f"{median(values):.3g} [{min(values):.3g}–{max(values):.3g}]"


def machine() -> str:
    """One line: what this was measured on, and how busy that was."""
    models = [
        line.partition(": ")[2]
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    return (
        f"{date.today().isoformat()}, {models[0] if models else platform.machine()}, "
        f"{os.cpu_count()} processors, Python {platform.python_version()}, "
        f"load before {os.getloadavg()[0]:.1f}"
    )


def row(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Cells under each other: the first to the left, the others to the right."""
    first, *others = (
        f"{cell:{'<' if index == 0 else '>'}{width}}"
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([first, *others])
