"""What a process holds, as Linux counts it in /proc."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Footprint:
    """`memory_mb`: what it has for itself, without pages of files. `zombies`, `workers`: children
    that ended and were not reaped, and those that live.
    """

    memory_mb: float
    descriptors: int
    threads: int
    zombies: int
    workers: int


def footprint(pid: int) -> Footprint:
    """Of that process now."""
    states = list(states_of_children(pid).values())
    folder = Path(f"/proc/{pid}")
    return Footprint(
        memory_mb(pid),
        len(list((folder / "fd").iterdir())),
        len(list((folder / "task").iterdir())),
        states.count("Z"),
        len(states) - states.count("Z"),
    )


def memory_mb(pid: int) -> float:
    """Megabytes that it has for itself (RssAnon)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1000
    raise ValueError(f"process {pid} has no memory")


def processor_seconds(pid: int) -> float:
    """Processor time that it has used, in the kernel and outside, to a hundredth."""
    user, system = _fields(Path(f"/proc/{pid}"))[11:13]
    return (int(user) + int(system)) / TICKS_A_SECOND


def states_of_children(parent: int) -> dict[int, str]:
    """By pid, the letter that /proc gives each child: Z a zombie, T stopped."""
    return {pid: state for pid, state, of in _processes() if of == parent}


def _processes() -> Iterator[tuple[int, str, int]]:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = _fields(folder)[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(folder.name), state, int(parent)


def _fields(folder: Path) -> list[str]:
    """Those of `stat` behind the name, which may have blanks in it: state, parent, …"""
    return (folder / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
