"""Processes that tests start: servers, and the workers which belong to a process."""

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
# Far above what anything takes here: only a hang meets it.
PATIENCE = 60.0


def wait_until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Polls, where there is no event to wait for; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain: {what}"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether that process runs; one that ended and is not yet reaped does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


def _processes() -> Iterator[tuple[int, int, bytes]]:
    """Number, parent and command line of every process."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text()
            command = (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(folder.name), int(status.rpartition(")")[2].split()[1]), command


def workers_of(parent: int) -> set[int]:
    """The worker processes that `parent` started and that are alive."""
    return {
        pid
        for pid, its_parent, command in _processes()
        if its_parent == parent and b"app.engines.worker" in command and is_alive(pid)
    }


def descendants_of(ancestor: int) -> dict[int, str]:
    """Its children, their children and so on, those that are alive, with their command lines."""
    everyone = {pid: (parent, command) for pid, parent, command in _processes()}
    found: dict[int, str] = {}
    generation = {ancestor}
    while generation:
        generation = {pid for pid, (parent, _) in everyone.items() if parent in generation}
        found |= {pid: everyone[pid][1].decode(errors="replace") for pid in generation}
    return {pid: command for pid, command in found.items() if is_alive(pid)}


def kill_all(pids: set[int], how: signal.Signals = signal.SIGKILL) -> None:
    """Sends a signal to processes of ours."""
    for pid in pids:
        os.kill(pid, how)


@dataclass(frozen=True)
class Server:
    """`python -m app`, listening at `url`; what it says goes to `log`."""

    process: subprocess.Popen[str]
    url: str
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    def visitor(self) -> httpx.Client:
        """A browser session of its own. It needs no certificates, whose reading takes 0.1 s."""
        return httpx.Client(base_url=self.url, timeout=PATIENCE, verify=False)

    def workers(self) -> set[int]:
        """Its worker processes."""
        return workers_of(self.pid)

    def files(self) -> int:
        """Descriptors that it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def threads(self) -> int:
        """Threads of its process."""
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))

    def memory(self) -> int:
        """Bytes that its process holds for itself."""
        return private_bytes(self.pid)

    def wait_until_ready(self) -> None:
        """Returns once all workers are warm."""
        with self.visitor() as visitor:
            wait_until(lambda: visitor.get("/readyz").status_code == 200, "workers warm")

    def terminate(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


def environment(**settings: object) -> dict[str, str]:
    """This process's environment with BATCHNORM_* settings, given without the prefix."""
    return {
        **os.environ,
        **{f"BATCHNORM_{name.upper()}": str(value) for name, value in settings.items()},
    }


@contextmanager
def command(*arguments: str, **settings: object) -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own, which believes that it writes to a terminal."""
    with subprocess.Popen(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env={**environment(**settings), "FORCE_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell has what it starts in the background ignore Ctrl-C: so may our own parent.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], pattern: str) -> None:
    """Reads what the command says on stderr until it says that."""
    assert process.stderr is not None
    said = ""
    while not re.search(pattern, said):
        character = process.stderr.read(1)
        assert character, f"it ended, having said {said!r}"
        said = (said + character)[-300:]


@contextmanager
def ending_with_us(group: int) -> Iterator[None]:
    """Kills a process group at the body's end, and no later than this process ends, if by SIGKILL.

    A shell of its own session waits for the end of a pipe that only this process holds open.
    """
    waiting = ["sh", "-c", 'read _; kill -s KILL -- "-$0"', str(group)]
    with subprocess.Popen(
        waiting, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ):
        yield


@contextmanager
def serving(log: Path, settings: Mapping[str, object], module: str = "app") -> Iterator[Server]:
    """A server in a process of its own, which leaves nothing behind."""
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
        ending_with_us(process.pid),
    ):
        try:
            yield Server(process, _address(process, log), log)
        finally:
            workers = workers_of(process.pid)
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
            kill_all({pid for pid in workers if is_alive(pid)})


def _address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    watchdog = threading.Timer(PATIENCE, process.kill)
    watchdog.start()
    line = process.stdout.readline()
    watchdog.cancel()
    address = re.fullmatch(r"Reading at (http://\S+)\n", line)
    assert address, f"the server said {line!r}; its log: {log.read_text()}"
    return address[1]
