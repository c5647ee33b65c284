"""The memory of a process, as Linux counts it; other systems are not supported."""

import mmap
from contextlib import suppress
from pathlib import Path


def private_bytes(pid: int) -> int:
    """The resident bytes of a process that it shares with no file and no other process.

    They exclude the address space, which CUDA makes immense, and the libraries and the data set,
    which all workers share. Returns 0 if the process is gone or the system has no /proc.
    """
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return (int(resident) - int(shared)) * mmap.PAGESIZE


def prefer_for_oom_kill() -> None:
    """Has Linux kill this process first when memory runs out, so that the server survives."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
