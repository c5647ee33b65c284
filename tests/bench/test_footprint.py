"""What a process holds, told of this one."""

import os
import subprocess
import sys

from bench.footprint import footprint, processor_seconds, states_of_children
from tests.support.processes import wait_until

BYTES = 20_000_000


# A process of its own: in that of the tests others free memory meanwhile.
HOLDER = f"""
import os, sys, threading
print(flush=True)
input()
thread = threading.Thread(target=input)
thread.start()
with open(os.devnull):
    memory = bytearray(os.urandom({BYTES}))
    print(flush=True)
    thread.join()
"""


def test_a_thread_a_descriptor_and_memory_are_counted() -> None:
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdout.readline()
        before = footprint(holder.pid)
        holder.stdin.write(b"\n")
        holder.stdin.flush()
        holder.stdout.readline()
        now = footprint(holder.pid)
        holder.communicate(b"\n")
    assert now.threads == before.threads + 1
    assert now.descriptors == before.descriptors + 1
    assert now.memory_mb - before.memory_mb > 0.9 * BYTES / 1e6


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
