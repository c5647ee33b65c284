"""What the browsers' drivers start ends with whoever started it."""

import os
import signal
import subprocess
import sys

import pytest

from tests.support.processes import ROOT, is_alive, killing_on_exit, wait_until

# A group of two, as a driver and its browser are; it prints their numbers.
GROUP = ["sh", "-c", "sleep 1000 & echo $$ $!; wait"]
STARTS_A_GROUP = f"""
import subprocess, time
from tests.support.processes import ending_with_us
group = subprocess.Popen({GROUP}, start_new_session=True)
with ending_with_us(group.pid):
    print("guarded", flush=True)
    time.sleep(1000)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_driver_and_its_browser_end_when_the_tests_are_killed(how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_A_GROUP], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as tests:
        assert tests.stdout is not None
        lines = {tests.stdout.readline().strip() for _ in range(2)} - {"guarded"}
        group = [int(pid) for pid in lines.pop().split()]
        assert all(map(is_alive, group))
        os.kill(tests.pid, how)
        tests.wait()
        wait_until(lambda: not any(map(is_alive, group)), "the group has ended")


def test_a_driver_and_its_browser_end_with_the_body() -> None:
    with subprocess.Popen(
        GROUP, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        with killing_on_exit(process.pid):
            assert process.stdout is not None
            group = [int(pid) for pid in process.stdout.readline().split()]
            assert all(map(is_alive, group))
        wait_until(lambda: not any(map(is_alive, group)), "the group has ended")
