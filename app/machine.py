"""Finds how many trainings fit on this machine at a time, by processors and memory.

A container, a batch system or `taskset` may restrict a process to a part of the machine. Linux
reports this in the process's affinity and in its control groups, versions 1 and 2 (kernel
documentation, "Control Group v2" and "CFS Bandwidth Control").
"""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Imported at the start, since a later import can fail when memory is short.
try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]

ROOT = Path("/")
MAX_WORKERS = 64
MB = 1_000_000
# A warm worker has 420 MB of private memory, a training adds 50, the server has 60 (measured).
WORKER_BYTES, SERVER_BYTES = 470 * MB, 60 * MB


@dataclass(frozen=True, slots=True)
class Capacity:
    """The number of workers that fit; `reason` says why they are fewer than the processors."""

    processors: int
    workers: int
    reason: str = ""


def capacity(root: Path = ROOT) -> Capacity:
    """Returns how many processors there are and how many workers fit, at least one.

    `root` is the folder above /proc and /sys.
    """
    processors = os.cpu_count() or 1
    bounds = [(MAX_WORKERS, f"at most {MAX_WORKERS} are started")]
    bounds.append((_allowed_processors(), "this process may use no other processors (affinity)"))
    quota = cpu_quota(root)
    if quota is not None:
        bounds.append((int(quota), f"its control group has a quota of {quota:g} processors"))
    memory = usable_memory(root)
    if memory is not None:
        available = (memory - SERVER_BYTES) // WORKER_BYTES
        need = f"a worker needs {WORKER_BYTES // MB} MB, and there are {memory // MB:,} MB"
        bounds.append((available, need))
    least, reason = min(bounds, key=lambda bound: bound[0])
    workers = max(1, min(least, processors))
    return Capacity(processors, workers, reason if least < processors else "")


def default_workers() -> int:
    """Returns the number of workers that fit on this machine and within the process's limits."""
    return capacity().workers


def explain_worker_count(workers: int, *, chosen: bool, available: Capacity) -> str | None:
    """A log line that explains the number of workers; None if it needs no explanation.

    `chosen` says that the number was set and is not changed.
    """
    if chosen:
        too_many = (
            f"BATCHNORM_WORKERS is {workers}, more than there is room for ({available.workers}): "
        )
        return (
            too_many + available.reason
            if available.reason and workers > available.workers
            else None
        )
    if not available.reason or workers >= available.processors:
        return None
    return f"workers: {workers}, of {available.processors} processors: {available.reason}"


# What an operator can do when the system refuses to start a process.
REMEDIES = {
    errno.EAGAIN: "raise ulimit -u, or the container's limit of processes",
    errno.EMFILE: "raise ulimit -n",
    errno.ENOMEM: "give it more memory, or raise ulimit -v",
}


def explain_start_failure(error: OSError) -> str:
    """Returns why the system starts no process, and what to raise where that is known."""
    remedy = REMEDIES.get(error.errno or 0)
    reason = error.strerror or type(error).__name__
    return f"{reason}: {remedy}" if remedy else reason


def add_memory_limits(failure: str) -> str:
    """Appends the memory limits that `ulimit` sets, if any, to the description of a failure."""
    if resource is not None:
        for option, which in (("-v", resource.RLIMIT_AS), ("-d", resource.RLIMIT_DATA)):
            soft, _ = resource.getrlimit(which)
            if soft != resource.RLIM_INFINITY:
                failure += f" (ulimit {option} leaves it {soft // MB:,} MB of memory)"
    return failure


def thread_problem() -> str | None:
    """Returns why the system starts no thread, and what to raise; None where it starts them."""
    thread = threading.Thread(target=lambda: None)
    try:
        thread.start()
    except RuntimeError:
        return f"the system starts no thread: {REMEDIES[errno.EAGAIN]}"
    thread.join()
    return None


def cpu_quota(root: Path = ROOT) -> float | None:
    """The number of processors that the control groups allow; None if they set no quota."""
    quotas: list[float] = []
    for folder in _control_group_folders(root, "cpu"):
        with suppress(OSError, ValueError, ZeroDivisionError):
            quota, period = _read_fields(folder / "cpu.max")
            quotas.append(int(quota) / int(period))
        with suppress(OSError, ValueError, ZeroDivisionError):
            (granted,) = _read_fields(folder / "cpu.cfs_quota_us")
            (period,) = _read_fields(folder / "cpu.cfs_period_us")
            quotas.append(int(granted) / int(period))
    return min((quota for quota in quotas if quota > 0), default=None)


def usable_memory(root: Path = ROOT) -> int | None:
    """The bytes that this process and its workers may use; None if unknown."""
    found: list[int] = []
    for folder in _control_group_folders(root, "memory"):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            with suppress(OSError, ValueError):
                (limit,) = _read_fields(folder / name)
                found.append(int(limit))
    with suppress(OSError, ValueError, IndexError):
        lines = (root / "proc" / "meminfo").read_text(encoding="ascii").splitlines()
        available = next((line for line in lines if line.startswith("MemAvailable:")), lines[0])
        found.append(int(available.split()[1]) * 1024)
    return min((limit for limit in found if limit > 0), default=None)


def _allowed_processors() -> int:
    if hasattr(os, "process_cpu_count"):  # Python 3.13 and later; PYTHON_CPU_COUNT may lower it
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _control_group_folders(root: Path, controller: str) -> Iterator[Path]:
    """Yields the folders of this process's control groups for a controller, and their parents.

    In a container that sees its own group as the root, or that sees the host's paths without their
    folders, the limits are in the folder where the groups are mounted.
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


def _read_fields(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").split()
