"""What Ray processes do that are killed or stand still, and a server that trains on Ray."""

import os
import signal
import socket
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import anyio
import pytest
from ray.exceptions import OutOfMemoryError, RayError, WorkerCrashedError

from app.engines.base import Health
from app.engines.on_ray import RayEngine, _to_training_error
from app.errors import CannotTrain, DeadlineExceeded, MemoryExceeded, WorkerLost
from app.events import ArmEnded
from app.experiments.definition import TrainingSpec
from tests.conftest import Serve
from tests.engines.conftest import MakeSettings
from tests.engines.trainings import events_of, follow
from tests.support.http_client import json_body, next_event, post_run, read_stream, stream_events
from tests.support.processes import TIMEOUT, Server, descendant_commands, is_alive, wait_until

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def engine(
    engine_settings: MakeSettings, local_ray: None, anyio_backend: object
) -> AsyncGenerator[RayEngine, None]:
    """One slot, whose process these tests kill."""
    started = RayEngine(engine_settings(engine="ray"))
    await started.start()
    with anyio.fail_after(TIMEOUT):
        await started.warm()
    yield started
    await started.close()


def training_process() -> int:
    """The Ray process of this one that trains; Ray names a process by its task."""
    (pid,) = [
        pid
        for pid, command in descendant_commands(os.getpid()).items()
        if command.startswith("ray::run_training")
    ]
    return pid


async def replaced(engine: RayEngine) -> None:
    """Returns when a process is warm again."""

    def is_warm() -> bool:
        return engine.health() == Health(slots=1, warm=1)

    await anyio.to_thread.run_sync(wait_until, is_warm, "another process is warm")


@pytest.mark.long
async def test_a_process_killed_in_mid_training_ends_it_with_worker_lost_and_is_replaced(
    engine: RayEngine, small: TrainingSpec, endless: TrainingSpec
) -> None:
    with pytest.raises(WorkerLost) as raised:
        await follow(engine, endless, lambda _: os.kill(training_process(), signal.SIGKILL))
    assert raised.value.code == "worker_lost"
    assert isinstance((await events_of(engine, small))[-1], ArmEnded)
    await replaced(engine)


@pytest.mark.long
async def test_a_process_that_stands_still_meets_the_deadline_and_is_replaced(
    engine: RayEngine, small: TrainingSpec, endless: TrainingSpec
) -> None:
    stopped: set[int] = set()

    def stop(_: object) -> None:
        stopped.add(training_process())
        os.kill(training_process(), signal.SIGSTOP)

    with pytest.raises(DeadlineExceeded):
        await follow(engine, endless, stop)
    assert isinstance((await events_of(engine, small))[-1], ArmEnded)
    assert not any(map(is_alive, stopped))
    await replaced(engine)


@pytest.mark.long
async def test_a_process_that_does_not_stop_when_told_is_replaced(
    engine: RayEngine, small: TrainingSpec, endless: TrainingSpec
) -> None:
    async with aclosing(engine.train(endless)) as events:
        await anext(events)
        os.kill(training_process(), signal.SIGSTOP)
    assert isinstance((await events_of(engine, small))[-1], ArmEnded)
    await replaced(engine)


@pytest.mark.long
async def test_a_training_that_is_stopped_keeps_its_process_and_frees_its_slot_at_once(
    engine: RayEngine, small: TrainingSpec, endless: TrainingSpec
) -> None:
    processes = set()
    for _ in range(3):
        async with aclosing(engine.train(endless)) as events:
            await anext(events)
            processes.add(training_process())
    with anyio.fail_after(5):
        await events_of(engine, small)
    assert len(processes) == 1


async def test_a_cluster_that_is_not_there_is_told_at_once_and_nothing_trains(
    engine_settings: MakeSettings, small: TrainingSpec
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = f"127.0.0.1:{taken.getsockname()[1]}"
    lonely = RayEngine(engine_settings(engine="ray", ray_address=nobody))
    with anyio.fail_after(TIMEOUT):
        await lonely.start()
        assert nobody in str(lonely.health().problem)
        with pytest.raises(CannotTrain, match="can't be joined"):
            await events_of(lonely, small)
        await lonely.close()


def test_what_ray_says_of_a_loss_is_told_apart() -> None:
    no_memory: RayError = OutOfMemoryError("the node is low on memory")  # type: ignore[no-untyped-call]
    assert isinstance(_to_training_error(no_memory), MemoryExceeded)
    assert isinstance(_to_training_error(WorkerCrashedError()), WorkerLost)


@pytest.mark.long
def test_a_server_on_ray_measures_the_same_numbers_and_leaves_no_process(
    serve: Serve, server: Server
) -> None:
    on_ray = serve(engine="ray", workers=1)
    on_ray.wait_until_ready()
    digests = []
    for running in (server, on_ray):
        with running.new_client() as reader:
            run_id = json_body(post_run(reader, seed=11, steps=10))["id"]
            assert read_stream(reader, run_id)[-1].data["state"] == "finished"
            receipt = reader.get(f"/runs/{run_id}", headers={"Accept": "application/json"})
            digests.append(json_body(receipt)["digest"])
    assert digests[0] == digests[1]
    mapped = Path(f"/proc/{on_ray.pid}/maps").read_text()
    assert "_raylet" in mapped
    assert "torch" not in mapped

    with on_ray.new_client() as reader:
        run_id = json_body(post_run(reader, steps=400))["id"]
        with stream_events(reader, run_id) as events:
            next_event(events, "points")
            everything = set(descendant_commands(on_ray.pid))
            assert len(everything) > 3
            on_ray.process.terminate()
            assert next_event(events, "done").data["state"] == "stopped"
    assert on_ray.process.wait(TIMEOUT) == 0
    wait_until(lambda: not any(map(is_alive, everything)), "no process is left")
    assert "Traceback" not in on_ray.log.read_text()


@pytest.mark.long
def test_a_server_on_ray_that_is_killed_leaves_nothing_that_trains(serve: Serve) -> None:
    """Ray's own two agents try for a minute to tell somebody, and then end, too."""
    on_ray = serve(engine="ray", workers=1)
    on_ray.wait_until_ready()
    training = {
        pid
        for pid, command in descendant_commands(on_ray.pid).items()
        if not command.startswith(("ray::DashboardAgent", "ray::RuntimeEnvAgent"))
    }
    assert len(training) > 3
    os.kill(on_ray.pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, training)), "nothing that trains is left")
