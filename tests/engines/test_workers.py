import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import anyio
import pytest
import torch

from app.engines import workers
from app.engines.base import Health
from app.engines.messages import StartTraining, TrainingEnded, encode_message
from app.engines.workers import Worker, WorkersEngine
from app.errors import CannotTrain, DeadlineExceeded, WorkerLost
from app.events import ArmEnded
from app.experiments.definition import TrainingSpec
from tests.conftest import DATA_DIR
from tests.engines.conftest import MakeSettings
from tests.engines.trainings import events_of, follow
from tests.support.processes import ROOT, TIMEOUT, is_alive, wait_until, worker_pids

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def engine(
    engine_settings: MakeSettings, anyio_backend: object
) -> AsyncGenerator[WorkersEngine, None]:
    """One worker, which these tests kill, and which comes back each time."""
    started = WorkersEngine(engine_settings(workers=1))
    await started.start()
    yield started
    await started.close()


@pytest.fixture
async def worker(engine: WorkersEngine) -> int:
    """The process id of the one worker, warm."""
    with anyio.fail_after(TIMEOUT):
        await engine.warm()
    (pid,) = worker_pids(os.getpid())
    return pid


async def replaced(engine: WorkersEngine, dead: int) -> None:
    """Returns when another worker is warm."""

    def another_is_warm() -> bool:
        # It is only started once the dead one counts as warm no more.
        return bool(worker_pids(os.getpid()) - {dead}) and engine.health().warm == 1

    await anyio.to_thread.run_sync(wait_until, another_is_warm, "another worker is warm")
    assert engine.health() == Health(slots=1, warm=1)


async def test_a_worker_killed_in_mid_training_ends_it_with_worker_lost_and_is_replaced(
    engine: WorkersEngine, worker: int, small: TrainingSpec, endless: TrainingSpec
) -> None:
    restarts = engine.health().restarts
    with pytest.raises(WorkerLost) as raised:
        await follow(engine, endless, lambda _: os.kill(worker, signal.SIGKILL))
    assert raised.value.code == "worker_lost"
    assert isinstance((await events_of(engine, small))[-1], ArmEnded)
    await replaced(engine, worker)
    assert engine.health().restarts == restarts + 1


async def test_a_worker_is_ours_where_the_current_folder_has_another_app(
    engine: WorkersEngine, worker: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__init__.py").write_text("raise SystemExit('another app')")
    monkeypatch.chdir(tmp_path)
    os.kill(worker, signal.SIGKILL)
    await replaced(engine, worker)


async def test_a_worker_that_stands_still_meets_the_deadline_and_is_replaced(
    engine: WorkersEngine, worker: int, small: TrainingSpec, endless: TrainingSpec
) -> None:
    with pytest.raises(DeadlineExceeded):
        await follow(engine, endless, lambda _: os.kill(worker, signal.SIGSTOP))
    assert isinstance((await events_of(engine, small))[-1], ArmEnded)
    await replaced(engine, worker)


async def test_a_worker_that_does_not_stop_when_told_is_replaced(
    engine: WorkersEngine, worker: int, small: TrainingSpec, endless: TrainingSpec
) -> None:
    async with aclosing(engine.train(endless)) as events:
        await anext(events)
        os.kill(worker, signal.SIGSTOP)
    assert isinstance((await events_of(engine, small))[-1], ArmEnded)
    await replaced(engine, worker)


async def test_an_idle_worker_whose_death_is_not_known_yet_costs_nobody_a_training(
    engine: WorkersEngine, worker: int, small: TrainingSpec
) -> None:
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: not is_alive(worker), "the worker is dead")  # the event loop stands still
    assert isinstance((await events_of(engine, small))[-1], ArmEnded)
    await replaced(engine, worker)


async def test_an_idle_worker_that_was_replaced_costs_nobody_a_training(
    engine: WorkersEngine, worker: int, small: TrainingSpec
) -> None:
    os.kill(worker, signal.SIGKILL)
    await replaced(engine, worker)
    assert isinstance((await events_of(engine, small))[-1], ArmEnded)


async def test_a_training_that_is_stopped_keeps_its_worker(
    engine: WorkersEngine, worker: int, small: TrainingSpec, endless: TrainingSpec
) -> None:
    async with aclosing(engine.train(endless)) as events:
        await anext(events)
    await events_of(engine, small)
    assert worker_pids(os.getpid()) == {worker}


async def test_a_worker_that_has_grown_is_replaced_between_two_trainings(
    engine: WorkersEngine, worker: int, small: TrainingSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(workers, "RECYCLE_MEMORY_SHARE", 0.1)
        assert isinstance((await events_of(engine, small))[-1], ArmEnded)
    await replaced(engine, worker)


async def test_a_wait_that_is_cancelled_within_a_message_loses_nothing() -> None:
    """A stop may come between a message's length and its body."""
    ours, theirs = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=ours)
    reader = asyncio.StreamReader()
    worker = Worker(await asyncio.create_subprocess_exec("sleep", "60"), reader, writer)
    message = encode_message(TrainingEnded())
    reader.feed_data(message[:4])
    with anyio.move_on_after(0):
        await worker.receive()
    reader.feed_data(message[4:])
    reader.feed_eof()
    with theirs, anyio.fail_after(TIMEOUT):
        try:
            assert await worker.receive() == TrainingEnded()
        finally:
            worker.kill()
            await worker.process.wait()


def test_a_worker_in_mid_training_ends_itself_when_its_server_is_gone(
    cache_dir: Path, endless: TrainingSpec
) -> None:
    with _worker_process(cache_dir) as (process, ours):
        ours.sendall(encode_message(StartTraining(endless)))
        with ours.makefile("rb") as stream:
            assert len(stream.read(10_000)) == 10_000  # it is warm, and trains
        ours.close()
        _, said = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, said) == (0, "")


def test_a_worker_that_warms_up_ends_itself_at_once_when_its_server_is_gone(
    cache_dir: Path,
) -> None:
    """It does not import torch first, which takes seconds."""
    with _worker_process(cache_dir, PYTHONPROFILEIMPORTTIME="1") as (process, ours):
        ours.close()
        _, said = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0
    imported = [line.rpartition("|")[2].strip() for line in said.splitlines()]
    assert "app.engines.messages" in imported
    assert "torch" not in imported


@contextmanager
def _worker_process(
    cache_dir: Path, **environment: str
) -> Iterator[tuple[subprocess.Popen[str], socket.socket]]:
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.engines.worker", str(DATA_DIR), str(cache_dir), "cpu"],
            stdin=theirs.fileno(),
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **environment},
        )
    with ours, process:
        try:
            yield process, ours
        finally:
            process.kill()


async def test_a_cap_that_no_worker_keeps_is_said(engine_settings: MakeSettings) -> None:
    tight = WorkersEngine(engine_settings(workers=1, worker_memory_mb=100))
    await tight.start()
    with (
        anyio.fail_after(TIMEOUT),
        pytest.raises(CannotTrain, match="WORKER_MEMORY_MB is too low"),
    ):
        await tight.warm()
    await tight.close()


@pytest.fixture
def foreign_cache(cache_dir: Path, tmp_path: Path) -> Path:
    """A cache that some other program wrote: readable, and not ours."""
    (cached,) = cache_dir.iterdir()
    torch.save({"nonsense": torch.zeros(1)}, tmp_path / cached.name)
    return tmp_path


async def test_a_worker_that_can_not_start_says_so(
    engine_settings: MakeSettings, foreign_cache: Path
) -> None:
    """Nobody foresaw it, and nobody waits for ever."""
    stuck = WorkersEngine(engine_settings(workers=1, cache_dir=foreign_cache))
    await stuck.start()
    with anyio.fail_after(TIMEOUT), pytest.raises(CannotTrain, match="could not start"):
        await stuck.warm()
    await stuck.close()


LIMITED = """
import asyncio, resource, sys
from app.engines.workers import WorkersEngine
from app.settings import Settings
resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, 1_000_000_000))
async def main():
    engine = WorkersEngine(Settings(workers=1, device="cpu", cache_dir=sys.argv[1]))
    await engine.start()
    try:
        await engine.warm()
    except Exception as error:
        print(error)
    await engine.close()
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds the address space")
def test_a_worker_that_finds_too_little_address_space_names_the_limit(cache_dir: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LIMITED, str(cache_dir)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=True,
    )
    assert ended.stdout == (
        "a worker could not start (ulimit -v leaves it 1,000 MB of memory); the log says why\n"
    )


async def test_an_engine_that_is_closed_in_mid_training_leaves_no_process(
    engine: WorkersEngine, worker: int, endless: TrainingSpec
) -> None:
    """The last test here: it closes the engine that the others share."""
    with anyio.fail_after(TIMEOUT):
        events = engine.train(endless)
        await anext(events)
        await engine.close()
        assert worker_pids(os.getpid()) == set()
        with pytest.raises(WorkerLost):
            await anext(events)
