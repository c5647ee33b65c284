import os
import sys
from pathlib import Path

import anyio
import pytest

from app.engines import warm_up, workers
from app.engines.warm_up import STILL_SECONDS, WarmUp, work_done
from app.engines.workers import WorkersEngine
from app.errors import Unusable
from tests.engines.conftest import MakeSettings
from tests.support.processes import TIMEOUT, wait_until

# A worker that says what it is told to do first and is warm at once after it.
TOY_WORKER = """
import os, socket, sys, time
from app.engines.messages import Ready, Starting, pack
from app.measurements import Provenance
server = socket.socket(fileno=os.dup(0))
say = lambda message: server.sendall(pack(message))
{first}
say(Ready(Provenance("abacus", "Wood", {{}})))
server.recv(1)
"""
TURNS = "end = time.monotonic() + 2\nwhile time.monotonic() < end: pass"
SPEAKS = "for _ in range(20): time.sleep(0.1); say(Starting('counting beads'))"


def test_a_start_of_130_seconds_that_makes_progress_is_waited_for() -> None:
    start = WarmUp(began=0, most_seconds=1800)
    assert all(start.given_up((second,), second) is None for second in range(131))
    assert start.given_up((130,), 130 + STILL_SECONDS) is None
    assert "made no progress for 120 s" in str(start.given_up((130,), 131 + STILL_SECONDS))


def test_what_a_worker_says_of_itself_is_progress_too() -> None:
    start = WarmUp(began=0, most_seconds=1800)
    start.progress("importing PyTorch", 100)
    assert start.given_up((), 200) is None
    assert str(start.given_up((), 221)).endswith("it was importing PyTorch")


def test_a_start_has_a_bound_even_if_it_makes_progress() -> None:
    start = WarmUp(began=0, most_seconds=300)
    assert all(start.given_up((second,), second) is None for second in range(301))
    assert "BATCHNORM_START_SECONDS" in str(start.given_up((301,), 301))


def test_a_start_that_takes_long_is_said() -> None:
    start = WarmUp(began=0, most_seconds=1800)
    start.progress("importing PyTorch", 1)
    assert start.takes_long(29) is None
    assert start.takes_long(31) == "a worker is still starting; it is importing PyTorch"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc, as on Linux")
def test_a_process_that_works_makes_progress_and_one_that_is_gone_none() -> None:
    before = work_done(os.getpid())
    Path(__file__).read_bytes()
    assert work_done(os.getpid()) > before
    assert work_done(2**22 + 1) == ()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A quarter of a second without progress is too long; nobody waits between two starts."""
    monkeypatch.setattr(warm_up, "STILL_SECONDS", 0.25)
    monkeypatch.setattr(workers, "START_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(workers, "LONGEST_PAUSE_OF_STARTS", 0.1)
    return monkeypatch


def start_with(patch: pytest.MonkeyPatch, first: str) -> None:
    patch.setattr(workers, "PROGRAM", (sys.executable, "-c", TOY_WORKER.format(first=first)))


@pytest.mark.anyio
@pytest.mark.parametrize("first", [TURNS, SPEAKS], ids=["turns", "speaks"])
async def test_a_worker_that_starts_slowly_and_works_becomes_warm_at_its_first_start(
    impatient: pytest.MonkeyPatch, engine_settings: MakeSettings, first: str
) -> None:
    impatient.setattr(warm_up, "STILL_SECONDS", 1.5)
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
        ("say(Starting('counting beads')); time.sleep(60)", "it was counting beads"),
        ("sys.exit(3)", "a worker ended as it started"),
    ],
)
async def test_starts_that_fail_again_and_again_are_said_and_a_command_gives_up(
    impatient: pytest.MonkeyPatch, engine_settings: MakeSettings, first: str, said: str
) -> None:
    start_with(impatient, first)
    engine = WorkersEngine(engine_settings(workers=1))
    await engine.start()
    with anyio.fail_after(TIMEOUT), pytest.raises(Unusable, match=said):
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
