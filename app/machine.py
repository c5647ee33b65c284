"""How many trainings this process can really run at a time, by processors and by memory.

A container, a batch system or `taskset` may leave a process a part of the machine. Which, Linux
says in the affinity of the process and in its control groups, of both versions (kernel
documentation, "Control Group v2" and "CFS Bandwidth Control").
"""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Imported here and not when it is needed: where memory is short, nothing can be imported.
try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]

ROOT = Path("/")
MOST_WORKERS = 64
MB = 1_000_000
# A warm worker has 420 MB of its own, trainings add some 50, and the server has 60 (measured).
WORKER_BYTES, SERVER_BYTES = 470 * MB, 60 * MB


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many workers there is room for; `why` in words, where that is fewer than processors."""

    processors: int
    workers: int
    why: str = ""


def capacity(root: Path = ROOT) -> Capacity:
    """Returns how many processors there are and how many workers fit, at least one.

    `root` is the folder above /proc and /sys.
    """
    processors = os.cpu_count() or 1
    bounds = [(MOST_WORKERS, f"at most {MOST_WORKERS} are started")]
    bounds.append((_allowed_processors(), "this process may use no other processors (affinity)"))
    quota = cpu_quota(root)
    if quota is not None:
        bounds.append((int(quota), f"its control group has a quota of {quota:g} processors"))
    memory = usable_memory(root)
    if memory is not None:
        room = (memory - SERVER_BYTES) // WORKER_BYTES
        need = f"a worker needs {WORKER_BYTES // MB} MB, and there are {memory // MB:,} MB"
        bounds.append((room, need))
    least, why = min(bounds, key=lambda bound: bound[0])
    workers = max(1, min(least, processors))
    return Capacity(processors, workers, why if least < processors else "")


def default_workers() -> int:
    """Returns the number of workers that fit on this machine and within the process's limits."""
    return capacity().workers


def explain(workers: int, *, chosen: bool, room: Capacity) -> str | None:
    """One line for the log about the number of workers; None where it is that of the processors.

    `chosen`: somebody set it, and it stays as it is.
    """
    if chosen:
        too_many = f"BATCHNORM_WORKERS is {workers}, more than there is room for ({room.workers}): "
        return too_many + room.why if room.why and workers > room.workers else None
    if not room.why or workers >= room.processors:
        return None
    return f"workers: {workers}, of {room.processors} processors: {room.why}"


# What an operator can raise where the system starts no process.
REMEDIES = {
    errno.EAGAIN: "raise ulimit -u, or the container's limit of processes",
    errno.EMFILE: "raise ulimit -n",
    errno.ENOMEM: "give it more memory, or raise ulimit -v",
}


def explain_refusal(error: OSError) -> str:
    """Returns why the system starts no process, and what to raise where that is known."""
    remedy = REMEDIES.get(error.errno or 0)
    why = error.strerror or type(error).__name__
    return f"{why}: {remedy}" if remedy else why


def with_memory_bounds(failure: str) -> str:
    """Adds what `ulimit` leaves a process of memory, if that is a bound, to what failed."""
    if resource is not None:
        for option, which in (("-v", resource.RLIMIT_AS), ("-d", resource.RLIMIT_DATA)):
            soft, _ = resource.getrlimit(which)
            if soft != resource.RLIM_INFINITY:
                failure += f" (ulimit {option} leaves it {soft // MB:,} MB of memory)"
    return failure


def why_no_threads() -> str | None:
    """Returns why the system starts no thread, and what to raise; None where it starts them."""
    thread = threading.Thread(target=lambda: None)
    try:
        thread.start()
    except RuntimeError:
        return f"the system starts no thread: {REMEDIES[errno.EAGAIN]}"
    thread.join()
    return None


def cpu_quota(root: Path = ROOT) -> float | None:
    """Processors that the control groups of this process grant it; None where they don't say."""
    quotas: list[float] = []
    for folder in _groups(root, "cpu"):
        with suppress(OSError, ValueError, ZeroDivisionError):
            quota, period = _words(folder / "cpu.max")
            quotas.append(int(quota) / int(period))
        with suppress(OSError, ValueError, ZeroDivisionError):
            (granted,) = _words(folder / "cpu.cfs_quota_us")
            (period,) = _words(folder / "cpu.cfs_period_us")
            quotas.append(int(granted) / int(period))
    return min((quota for quota in quotas if quota > 0), default=None)


def usable_memory(root: Path = ROOT) -> int | None:
    """Bytes that this process and its workers may have together; None where nothing says."""
    found: list[int] = []
    for folder in _groups(root, "memory"):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            with suppress(OSError, ValueError):
                (limit,) = _words(folder / name)
                found.append(int(limit))
    with suppress(OSError, ValueError, IndexError):
        lines = (root / "proc" / "meminfo").read_text(encoding="ascii").splitlines()
        available = next((line for line in lines if line.startswith("MemAvailable:")), lines[0])
        found.append(int(available.split()[1]) * 1024)
    return min((limit for limit in found if limit > 0), default=None)


def _allowed_processors() -> int:
    if hasattr(os, "process_cpu_count"):  # from Python 3.13 on; PYTHON_CPU_COUNT may narrow it
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's control groups for that controller, and of all around them.

    A container that sees its own group as the root, or the host's paths without their folders, has
    its limits in the folder where the groups are mounted.
    """
    try:
        lines = (root / "proc" / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    mounted = root / "sys" / "fs" / "cgroup"
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not controllers:
            tops = [mounted, mounted / "unified"]
        elif controller in controllers.split(","):
            tops = [mounted / controllers, mounted / controller]
        else:
            continue
        inner = Path(path.lstrip("/"))
        yield from (top / each for top in tops for each in (inner, *inner.parents))


def _words(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").split()
