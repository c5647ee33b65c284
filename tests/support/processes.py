"""Starts servers and commands as processes, and inspects their workers and resources."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.engines.memory import private_bytes

ROOT = Path(__file__).parents[2]
# A timeout in seconds, far above what any test takes, so that only a hang reaches it.
TIMEOUT = 60.0


def wait_until(condition: Callable[[], bool], what: str, timeout: float = TIMEOUT) -> None:
    """Polls, where there is no event to wait for; fails with `what` after `seconds`."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout:g} s in vain: {what}"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process is running; zombies are not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


def _list_processes() -> Iterator[tuple[int, int, bytes]]:
    """Yields the pid, parent's pid and command line of every process."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text()
            command = (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(folder.name), int(status.rpartition(")")[2].split()[1]), command


def worker_pids(parent: int) -> set[int]:
    """Returns the pids of the running worker processes that `parent` started."""
    return {
        pid
        for pid, its_parent, command in _list_processes()
        if its_parent == parent and b"app.engines.worker" in command and is_alive(pid)
    }


def descendant_commands(ancestor: int) -> dict[int, str]:
    """Returns pid → command line of the running descendants of a process."""
    everyone = {pid: (parent, command) for pid, parent, command in _list_processes()}
    found: dict[int, str] = {}
    generation = {ancestor}
    while generation:
        generation = {pid for pid, (parent, _) in everyone.items() if parent in generation}
        found |= {pid: everyone[pid][1].decode(errors="replace") for pid in generation}
    return {pid: command for pid, command in found.items() if is_alive(pid)}


def send_signal(pids: set[int], signum: signal.Signals = signal.SIGKILL) -> None:
    """Sends a signal to processes that the tests started."""
    for pid in pids:
        os.kill(pid, signum)


@dataclass(frozen=True)
class Server:
    """A running `python -m app` that listens at `url` and writes stderr to `log`."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def new_client(self) -> httpx.Client:
        """Returns a client with its own session. Not loading certificates saves 0.1 s."""
        return httpx.Client(base_url=self.url, timeout=TIMEOUT, verify=False)

    def worker_pids(self) -> set[int]:
        """Returns the pids of its worker processes."""
        return worker_pids(self.pid)

    def open_files(self) -> int:
        """Returns the number of its open file descriptors."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def thread_count(self) -> int:
        """Returns the number of its threads."""
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))

    def memory_bytes(self) -> int:
        """Returns its private memory in bytes."""
        return private_bytes(self.pid)

    def wait_until_ready(self) -> None:
        """Waits until all workers are warm."""
        with self.new_client() as visitor:
            wait_until(lambda: visitor.get("/readyz").status_code == 200, "workers warm")

    def terminate(self) -> int:
        """Sends SIGTERM, waits, and returns the exit code."""
        self.process.terminate()
        return self.process.wait(TIMEOUT)


def environment(**settings: object) -> dict[str, str]:
    """Returns this process's environment plus BATCHNORM_* settings, named without the prefix."""
    return {
        **os.environ,
        **{f"BATCHNORM_{name.upper()}": str(value) for name, value in settings.items()},
    }


@contextmanager
def running_command(*arguments: str, **settings: object) -> Iterator[subprocess.Popen[str]]:
    """Runs `python -m app` with arguments, with colours as if its output were a terminal."""
    with subprocess.Popen(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env={**environment(**settings), "FORCE_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Shells make background processes ignore Ctrl-C, and the tests may run in one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], pattern: str) -> None:
    """Reads the command's stderr until it matches `pattern`."""
    assert process.stderr is not None
    output = ""
    while not re.search(pattern, output):
        character = process.stderr.read(1)
        assert character, f"it ended, having said {output!r}"
        output = (output + character)[-300:]


@contextmanager
def killing_on_exit(group: int) -> Iterator[None]:
    """Kills a process group at the end of the block, or when this process ends, even by SIGKILL.

    A shell in its own session waits for the end of a pipe that only this process holds open.
    """
    waiting = ["sh", "-c", 'read _; kill -s KILL -- "-$0"', str(group)]
    with subprocess.Popen(
        waiting, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ):
        yield


@contextmanager
def serving(log: Path, settings: Mapping[str, object], module: str = "app") -> Iterator[Server]:
    """Runs a server in its own process and ends it and its workers after the block."""
    with (
        log.open("w") as stderr,
        subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=environment(**{"port": 0, **settings}),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        ) as process,
        killing_on_exit(process.pid),
    ):
        try:
            yield Server(process, _read_url(process, log), log)
        finally:
            workers = worker_pids(process.pid)
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
            send_signal({pid for pid in workers if is_alive(pid)})


def _read_url(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    watchdog = threading.Timer(TIMEOUT, process.kill)
    watchdog.start()
    line = process.stdout.readline()
    watchdog.cancel()
    address = re.fullmatch(r"Reading at (http://\S+)\n", line)
    assert address, f"the server said {line!r}; its log: {log.read_text()}"
    return address[1]
