import os
import sys
from pathlib import Path

import anyio
import pytest

from app.engines import warm_up, workers
from app.engines.warm_up import MAX_STALL_SECONDS, StartupMonitor, process_activity
from app.engines.workers import WorkersEngine
from app.errors import CannotTrain
from tests.engines.conftest import MakeSettings
from tests.support.processes import TIMEOUT, wait_until

# A worker that says what it is told to do first and is warm at once after it.
TOY_WORKER = """
import os, socket, sys, time
from app.engines.messages import StartupStage, WorkerReady, encode_message
from app.measurements import Provenance
server = socket.socket(fileno=os.dup(0))
say = lambda message: server.sendall(encode_message(message))
{first}
say(WorkerReady(Provenance("abacus", "Wood", {{}})))
server.recv(1)
"""
TURNS = "end = time.monotonic() + 2\nwhile time.monotonic() < end: pass"
SPEAKS = "for _ in range(20): time.sleep(0.1); say(StartupStage('counting beads'))"


def test_a_start_of_130_seconds_that_makes_progress_is_waited_for() -> None:
    start = StartupMonitor(started_at=0, max_seconds=1800)
    assert all(start.failure((second,), second) is None for second in range(131))
    assert start.failure((130,), 130 + MAX_STALL_SECONDS) is None
    assert "made no progress for 120 s" in str(start.failure((130,), 131 + MAX_STALL_SECONDS))


def test_what_a_worker_says_of_itself_is_progress_too() -> None:
    start = StartupMonitor(started_at=0, max_seconds=1800)
    start.stage_reached("importing PyTorch", 100)
    assert start.failure((), 200) is None
    assert str(start.failure((), 221)).endswith("it was importing PyTorch")


def test_a_start_has_a_bound_even_if_it_makes_progress() -> None:
    start = StartupMonitor(started_at=0, max_seconds=300)
    assert all(start.failure((second,), second) is None for second in range(301))
    assert "BATCHNORM_START_SECONDS" in str(start.failure((301,), 301))


def test_a_start_that_takes_long_is_said() -> None:
    start = StartupMonitor(started_at=0, max_seconds=1800)
    start.stage_reached("importing PyTorch", 1)
    assert start.slow_notice(29) is None
    assert start.slow_notice(31) == "a worker is still starting; it is importing PyTorch"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc, as on Linux")
def test_a_process_that_works_makes_progress_and_one_that_is_gone_none() -> None:
    before = process_activity(os.getpid())
    Path(__file__).read_bytes()
    assert process_activity(os.getpid()) > before
    assert process_activity(2**22 + 1) == ()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A quarter of a second without progress is too long; nobody waits between two starts."""
    monkeypatch.setattr(warm_up, "MAX_STALL_SECONDS", 0.25)
    monkeypatch.setattr(workers, "STARTUP_POLL_SECONDS", 0.05)
    monkeypatch.setattr(workers, "MAX_START_BACKOFF_SECONDS", 0.1)
    return monkeypatch


def start_with(patch: pytest.MonkeyPatch, first: str) -> None:
    patch.setattr(workers, "WORKER_COMMAND", (sys.executable, "-c", TOY_WORKER.format(first=first)))


@pytest.mark.anyio
@pytest.mark.parametrize("first", [TURNS, SPEAKS], ids=["turns", "speaks"])
async def test_a_worker_that_starts_slowly_and_works_becomes_warm_at_its_first_start(
    impatient: pytest.MonkeyPatch, engine_settings: MakeSettings, first: str
) -> None:
    impatient.setattr(warm_up, "MAX_STALL_SECONDS", 1.5)
    start_with(impatient, first)
    engine = WorkersEngine(engine_settings(workers=1))
    await engine.start()
    with anyio.fail_after(TIMEOUT):
        await engine.warm()
    assert engine.health().restarts == 0
    assert engine.provenance is not None
    assert engine.provenance.hardware == "Wood"
    await engine.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("time.sleep(60)", "made no progress for 0.25 s"),
        ("say(StartupStage('counting beads')); time.sleep(60)", "it was counting beads"),
        ("sys.exit(3)", "a worker ended as it started"),
    ],
)
async def test_starts_that_fail_again_and_again_are_said_and_a_command_gives_up(
    impatient: pytest.MonkeyPatch, engine_settings: MakeSettings, first: str, said: str
) -> None:
    start_with(impatient, first)
    engine = WorkersEngine(engine_settings(workers=1))
    await engine.start()
    with anyio.fail_after(TIMEOUT), pytest.raises(CannotTrain, match=said):
        await engine.warm()
    health = engine.health()
    assert health.warm == 0
    assert said in str(health.starting)
    assert "starts in a row" in str(health.starting)
    assert health.problem is None  # runs are let in, and wait
    await engine.close()


@pytest.mark.anyio
async def test_a_start_beyond_the_setting_is_given_up_though_it_works(
    impatient: pytest.MonkeyPatch, engine_settings: MakeSettings
) -> None:
    start_with(impatient, "while True: pass")
    engine = WorkersEngine(engine_settings(workers=1, start_seconds=0.3))
    await engine.start()
    await anyio.to_thread.run_sync(
        wait_until, lambda: engine.health().starting is not None, "given up"
    )
    assert "BATCHNORM_START_SECONDS" in str(engine.health().starting)
    await engine.close()
