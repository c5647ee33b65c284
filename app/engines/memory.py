"""What a process holds in memory, as Linux counts it; on other systems nobody looks."""

import mmap
from contextlib import suppress
from pathlib import Path


def own_bytes(pid: int) -> int:
    """Resident bytes that the process shares with no file and no other process.

    Not its address space, which CUDA makes immense, nor its libraries and the data set, which all
    workers map together. 0 for a process that is gone, and where there is no /proc.
    """
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return (int(resident) - int(shared)) * mmap.PAGESIZE


def be_first_to_go() -> None:
    """Out of memory, Linux ends this process before any other: a worker, and not the server."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
