import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import machine
from app.machine import (
    Capacity,
    add_memory_limits,
    capacity,
    cpu_quota,
    explain_start_failure,
    explain_worker_count,
    thread_problem,
    usable_memory,
)
from tests.support.processes import ROOT, TIMEOUT

GB = 1_000_000_000


def system(root: Path, groups: str, **files: str) -> Path:
    """A made-up /proc and /sys/fs/cgroup; the names of `files` have __ for / and · for dots."""
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "self" / "cgroup").write_text(groups, encoding="utf-8")
    meminfo = "MemTotal: 64000000 kB\nMemFree: 1000 kB\nMemAvailable: 48000000 kB\n"
    (root / "proc" / "meminfo").write_text(meminfo, encoding="utf-8")
    for name, content in files.items():
        path = root / "sys" / "fs" / "cgroup" / name.replace("__", "/").replace("·", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n", encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("groups", "files", "quota"),
    [
        ("0::/\n", {"cpu·max": "150000 100000"}, 1.5),
        ("0::/\n", {"cpu·max": "max 100000"}, None),
        ("0::/a/b\n", {"a__cpu·max": "200000 100000", "a__b__cpu·max": "400000 100000"}, 2),
        ("0::/a/b\n", {"a__b__cpu·max": "50000 100000"}, 0.5),
        ("0::/of/the/host\n", {"cpu·max": "300000 100000"}, 3),
        ("0::/../..\n", {"cpu·max": "300000 100000"}, 3),
        (
            "4:cpu,cpuacct:/docker/x\n",
            {
                "cpu,cpuacct__docker__x__cpu·cfs_quota_us": "200000",
                "cpu,cpuacct__docker__x__cpu·cfs_period_us": "100000",
            },
            2,
        ),
        (
            "4:cpuacct,cpu:/docker/x\n",
            {"cpu__cpu·cfs_quota_us": "-1", "cpu__cpu·cfs_period_us": "100000"},
            None,
        ),
        (
            "3:cpu:/\n",
            {"cpu__cpu·cfs_quota_us": "100000", "cpu__cpu·cfs_period_us": "100000"},
            1,
        ),
        ("0::/\n", {"unified__cpu·max": "100000 100000"}, 1),
        ("0::/\n", {"cpu·max": "nonsense"}, None),
        ("0::/\n", {"cpu·max": "100000 0"}, None),
        ("", {"cpu·max": "100000 100000"}, None),
    ],
)
def test_the_quota_is_the_least_of_all_groups_around_the_process(
    tmp_path: Path, groups: str, files: dict[str, str], quota: float | None
) -> None:
    assert cpu_quota(system(tmp_path, groups, **files)) == quota


@pytest.mark.parametrize(
    ("groups", "files", "memory"),
    [
        ("0::/\n", {"memory·max": "1000000000"}, GB),
        ("0::/\n", {"memory·max": "max", "memory·high": "2000000000"}, 2 * GB),
        ("0::/a/b\n", {"a__memory·max": "1000000000", "a__b__memory·max": "max"}, GB),
        ("5:memory:/x\n", {"memory__x__memory·limit_in_bytes": "1000000000"}, GB),
        # What version 1 says where there is no limit.
        ("5:memory:/\n", {"memory__memory·limit_in_bytes": "9223372036854771712"}, 49_152_000_000),
        ("0::/\n", {}, 49_152_000_000),
    ],
)
def test_memory_is_the_least_of_all_groups_and_of_what_is_available(
    tmp_path: Path, groups: str, files: dict[str, str], memory: int
) -> None:
    assert usable_memory(system(tmp_path, groups, **files)) == memory


def test_where_nothing_is_said_of_groups_or_memory_there_is_no_bound(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path) is None
    assert usable_memory(tmp_path) is None
    assert capacity(tmp_path).workers >= 1


def on(monkeypatch: pytest.MonkeyPatch, processors: int) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    monkeypatch.setattr(machine, "_allowed_processors", lambda: processors)


@pytest.mark.parametrize(
    ("files", "workers", "why"),
    [
        ({}, 16, ""),
        ({"cpu·max": "250000 100000"}, 2, "its control group has a quota of 2.5 processors"),
        ({"cpu·max": "10000 100000"}, 1, "its control group has a quota of 0.1 processors"),
        ({"memory·max": "1000000000"}, 2, "a worker needs 470 MB, and there are 1,000 MB"),
        ({"memory·max": "100000000"}, 1, "a worker needs 470 MB, and there are 100 MB"),
    ],
)
def test_there_are_as_many_workers_as_processors_and_memory_allow_and_at_least_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    workers: int,
    why: str,
) -> None:
    on(monkeypatch, 16)
    assert capacity(system(tmp_path, "0::/\n", **files)) == Capacity(16, workers, why)


def test_there_are_at_most_64_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, 96)
    room = capacity(system(tmp_path, "0::/\n"))
    assert (room.processors, room.workers, room.reason) == (96, 64, "at most 64 are started")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinity, as on Linux")
def test_a_process_that_may_use_one_processor_has_one_worker() -> None:
    script = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "from app.settings import Settings; print(Settings().workers)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
    )
    assert ended.stdout == "1\n"


def test_the_log_says_how_many_workers_and_why() -> None:
    room = Capacity(16, 2, "because")
    assert (
        explain_worker_count(2, chosen=False, available=room)
        == "workers: 2, of 16 processors: because"
    )
    assert explain_worker_count(16, chosen=False, available=Capacity(16, 16)) is None
    assert explain_worker_count(2, chosen=True, available=room) is None
    assert explain_worker_count(3, chosen=True, available=room) == (
        "BATCHNORM_WORKERS is 3, more than there is room for (2): because"
    )


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EMFILE, "Too many open files: raise ulimit -n"),
        (errno.EAGAIN, "raise ulimit -u, or the container's limit of processes"),
        (errno.ENOMEM, "raise ulimit -v"),
        (errno.EACCES, "Permission denied"),
    ],
)
def test_a_process_that_the_system_refuses_is_told_with_the_limit_to_raise(
    number: int, words: str
) -> None:
    assert explain_start_failure(OSError(number, os.strerror(number))).endswith(words)


def run_limited(script: str) -> str:
    """What a script prints in a process that has 1 MB of address space left."""
    limit = (
        "import resource\nfrom app import machine\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + 1_000_000, size + 1_000_000))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", limit + script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return ended.stdout + ended.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the address space")
def test_a_failure_within_a_bound_of_memory_names_the_bound() -> None:
    assert add_memory_limits("it failed") == "it failed"
    said = run_limited("print(machine.add_memory_limits('it failed'))")
    assert said.startswith("it failed (ulimit -v leaves it ")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the address space")
def test_where_no_thread_can_be_started_one_line_says_what_to_raise() -> None:
    assert thread_problem() is None
    assert run_limited("print(machine.thread_problem())") == (
        "the system starts no thread: raise ulimit -u, or the container's limit of processes\n"
    )
