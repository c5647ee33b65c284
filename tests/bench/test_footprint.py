"""What a process holds, told of this one."""

import os
import subprocess
import sys
import threading
from pathlib import Path

from bench.footprint import footprint, processor_seconds, states_of_children
from tests.processes import wait_until


def test_a_thread_a_descriptor_and_memory_are_counted(tmp_path: Path) -> None:
    before, go_on = footprint(os.getpid()), threading.Event()
    thread = threading.Thread(target=go_on.wait)
    thread.start()
    with (tmp_path / "file").open("w"):
        memory = bytearray(os.urandom(20_000_000))
        now = footprint(os.getpid())
    go_on.set()
    thread.join()
    assert now.threads == before.threads + 1
    assert now.descriptors == before.descriptors + 1
    assert now.memory_mb - before.memory_mb > 0.9 * len(memory) / 1e6


def test_a_child_is_a_zombie_until_it_is_reaped() -> None:
    before = footprint(os.getpid()).zombies  # other tests leave some
    child = subprocess.Popen([sys.executable, "-c", ""])
    wait_until(lambda: states_of_children(os.getpid())[child.pid] == "Z", "a zombie")
    assert footprint(os.getpid()).zombies == before + 1
    child.wait()
    assert child.pid not in states_of_children(os.getpid())


def test_processor_time_is_counted() -> None:
    before = processor_seconds(os.getpid())
    wait_until(lambda: processor_seconds(os.getpid()) >= before + 0.05, "processor time")
