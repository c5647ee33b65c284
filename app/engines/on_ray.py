"""An engine that trains in Ray tasks, on a local Ray or on all nodes of a cluster.

`docs/deployment.md` says how a cluster is set up. The engine uses tasks instead of actors: Ray then
spreads them over all nodes, and a task that does not end when it is cancelled can be killed. Ray
reuses the process of a task for the next one, and the process keeps its trainer.

(Ray documentation: "Ray Generators", "Cancelling tasks"; measured with Ray 2.60.)
"""

import asyncio
import logging
import os
import signal
import traceback
from collections.abc import AsyncGenerator, Coroutine, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import ray
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError, TaskCancelledError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from app.engines.base import Health, side_by_side_on, time_limit_s
from app.engines.cluster import ClusterMembership
from app.errors import (
    BatchNormError,
    CannotTrain,
    DeadlineExceeded,
    MemoryExceeded,
    TrainingError,
    TrainingFailed,
    WorkerLost,
)
from app.events import TrainingEvent
from app.experiments.definition import TrainingSpec
from app.measurements import Provenance
from app.settings import Settings

if TYPE_CHECKING:
    from app.training.trainer import Trainer

log = logging.getLogger(__name__)

# A process checks for an interrupt between two steps, about every 50 ms. A process that has not
# ended its training after this time is killed, so that a stop frees the slot within 1.5 s.
CANCEL_SECONDS = 1.0
# Longest time from a task's submission to its first message: a process starts, imports torch and
# warms up. On a shared cluster, another server's training may have to end first.
WARM_UP_SECONDS = 120.0
# If a process is lost before its training began, the training is submitted again, so many times.
MAX_ATTEMPTS = 3
# Pauses between attempts to join the cluster or to warm up a process; each is twice the last.
MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 0.1, 5.0
# Settings that are passed to a task if they are set on the server; each node has its own defaults.
FOLDER_SETTINGS = {"data_dir", "cache_dir"}


@dataclass(frozen=True, slots=True)
class ProcessReady:
    """First message of a task: its process is warm."""

    node: str
    pid: int
    provenance: Provenance


Message: TypeAlias = ProcessReady | TrainingEvent | BatchNormError


def run_training(
    spec: TrainingSpec | None, device: str, folders: Mapping[str, Path]
) -> Iterator[Message]:
    """The body of a Ray task: warms up its process, and trains `spec` if there is one.

    If the training fails, the last message is the error.
    """
    try:
        trainer = _cached_trainer(device, **folders)
        yield ProcessReady(ray.get_runtime_context().get_node_id(), os.getpid(), trainer.provenance)
        if spec:
            yield from trainer.train(spec)
    except BatchNormError as error:
        yield error
    except Exception:
        yield TrainingFailed(traceback.format_exc())


@cache
def _cached_trainer(device: str, **folders: Path) -> "Trainer":
    """The trainer of this process. Folders that are absent come from the node's own settings."""
    from app.training.trainer import prepare

    settings = Settings.model_validate(folders)
    return prepare(settings.data_dir, settings.cache_dir, device)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


# Ray assigns a processor to each task, and a GPU to a task that requests one.
TRAINING_TASKS = {
    device: ray.remote(num_gpus=gpus, num_returns="streaming", max_retries=0)(run_training)
    for device, gpus in (("cpu", 0), ("cuda", 1))
}
KILL_TASK = ray.remote(num_cpus=0, max_retries=0)(_kill)


class RayTask:
    """One Ray task, on any node."""

    def __init__(self, settings: Settings, spec: TrainingSpec | None) -> None:
        """Submits the task. A process's first submission asks the cluster, and may block."""
        self._settings = settings
        # With "auto", a run's results would depend on which nodes have a GPU.
        self._device = "cuda" if settings.device == "cuda" else "cpu"
        self._spec = spec
        self._process: ProcessReady | None = None
        self._submit()

    def _submit(self) -> None:
        folders = self._settings.model_dump(include=FOLDER_SETTINGS, exclude_unset=True)
        task = TRAINING_TASKS[self._device].remote(self._spec, self._device, folders)
        assert isinstance(task, ray.ObjectRefGenerator)  # Ray's type hints lack "streaming"
        self._messages = task
        self._finished = False

    async def wait_until_ready(self) -> ProcessReady:
        """Waits until the task's process is warm; if it is lost before, submits the task again."""
        seconds = WARM_UP_SECONDS + self._settings.deadline_seconds
        try:
            async with asyncio.timeout(seconds):
                for _ in range(MAX_ATTEMPTS - 1):
                    with suppress(WorkerLost):
                        return await self._receive_ready()
                    self._submit()
                return await self._receive_ready()
        except TimeoutError:
            raise WorkerLost(f"no process began a training within {seconds:g} s") from None

    async def next_event(self, deadline: float) -> TrainingEvent | None:
        """The next event, or None at the end. Raises DeadlineExceeded at `deadline` (loop time)."""
        try:
            async with asyncio.timeout_at(deadline):
                message = await self._receive()
        except TimeoutError:
            raise DeadlineExceeded("the training exceeded its time limit") from None
        assert not isinstance(message, ProcessReady), message
        return message

    async def cancel(self) -> bool:
        """Cancels the task; returns whether its process is still alive."""
        if not self._finished:
            ray.cancel(self._messages)  # raises KeyboardInterrupt there
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                while not self._finished:
                    with suppress(BatchNormError):
                        await self._receive()
        except TimeoutError:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """Kills the task's process, even if it does not respond to Ray (which took 7 min)."""
        if self._finished:
            return
        ray.cancel(self._messages, force=True)
        if self._process is None:
            return
        if self._process.node == ray.get_runtime_context().get_node_id():
            _kill(self._process.pid)
        else:
            strategy = NodeAffinitySchedulingStrategy(self._process.node, soft=False)
            KILL_TASK.options(scheduling_strategy=strategy).remote(self._process.pid)

    async def _receive_ready(self) -> ProcessReady:
        self._process = None
        message = await self._receive()
        assert isinstance(message, ProcessReady), message
        self._process = message
        return message

    async def _receive(self) -> ProcessReady | TrainingEvent | None:
        """The next message, or None at the end. Raises the error with which the task failed."""
        try:
            message: Message = await (await anext(self._messages))
        except StopAsyncIteration:
            self._finished = True
            return None
        except RayError as error:
            self._finished = True
            raise _to_training_error(error) from None
        if isinstance(message, BatchNormError):
            raise message
        return message


def _to_training_error(error: RayError) -> TrainingError:
    match error:
        case OutOfMemoryError():
            return MemoryExceeded(str(error))
        case TaskCancelledError():
            return WorkerLost("the task was cancelled")
        case RayTaskError():  # Ray could not call `run_training`
            return TrainingFailed(str(error))
        case _:
            return WorkerLost(str(error))


class RayEngine:
    """Runs as many trainings at a time as the cluster had processors when the server joined it.

    `warm` counts the processes that have warmed up, less those known to be lost. Ray decides where
    a training runs; a training that is placed in a cold process warms it up first.
    """

    def __init__(self, settings: Settings) -> None:
        self.slots = settings.workers
        self.side_by_side = side_by_side_on(settings.device)
        self.provenance: Provenance | None = None
        self._settings = settings
        self._membership: ClusterMembership | None = None
        self._joined = False
        self._warm = 0
        self._problem: CannotTrain | None = None
        self._changed = asyncio.Event()
        self._ray_tasks: set[RayTask] = set()
        self._background_tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        # The number of slots must be known before the first run is admitted.
        if self._settings.ray_address:
            await self._try_to_join()
            if self._membership:
                self.slots = await self._membership.run_blocking(self._cluster_slots)
        self._free_slots = asyncio.Semaphore(self.slots)
        self._run_in_background(self._join_and_warm_up())

    async def warm(self) -> None:
        while not self._warm:
            await self._wait_for_change()

    def health(self) -> Health:
        return Health(self.slots, self._warm, self._fatal_problem())

    def _fatal_problem(self) -> str | None:
        return None if self._warm or self._problem is None else str(self._problem)

    async def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        while not self._joined:
            await self._wait_for_change()
        await self._free_slots.acquire()
        try:
            ray_task = RayTask(self._settings, spec)
        except RayError as error:  # the node that this server connects to is gone
            self._free_slots.release()
            raise _to_training_error(error) from None
        self._ray_tasks.add(ray_task)
        try:
            process = await ray_task.wait_until_ready()
            self._record_ready(process)
            log.info(
                "%s, seed %d: process %d on node %s", spec.arm, spec.seed, process.pid, process.node
            )
            limit = time_limit_s(spec, self._settings.deadline_seconds)
            deadline = asyncio.get_running_loop().time() + limit
            while event := await ray_task.next_event(deadline):
                yield event
        except (WorkerLost, MemoryExceeded):
            self._replace_process()
            raise
        finally:
            self._run_in_background(self._release_slot(ray_task))

    async def close(self) -> None:
        for task in self._background_tasks:
            task.cancel()
        await asyncio.gather(*self._background_tasks, return_exceptions=True)
        for ray_task in self._ray_tasks:
            ray_task.kill()
        if self._membership:
            await self._membership.leave()

    async def _join_and_warm_up(self) -> None:
        backoff = MIN_BACKOFF_SECONDS
        while not self._joined:
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, MAX_BACKOFF_SECONDS)
            await self._try_to_join()
        for _ in range(self.slots):
            self._run_in_background(self._warm_up_process())

    async def _try_to_join(self) -> None:
        self._membership = ClusterMembership(self._settings)
        try:
            await self._membership.join()
        except CannotTrain as error:
            await self._membership.leave()
            self._membership = None
            self._report_problem(error)
        else:
            self._joined = True
            self._notify()

    def _cluster_slots(self) -> int:
        kind = "GPU" if self._settings.device == "cuda" else "CPU"
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        return max(1, int(resources.get(kind, 0)))

    async def _warm_up_process(self) -> None:
        """Warms up one more process, with retries. Processes warm up in parallel."""
        backoff = MIN_BACKOFF_SECONDS
        while True:
            assert self._membership is not None
            ray_task = await self._membership.run_blocking(lambda: RayTask(self._settings, None))
            try:
                process = await ray_task.wait_until_ready()
            except CannotTrain as error:
                self._report_problem(error)
            except TrainingFailed as error:
                log.error("a Ray process could not start: %s", error.details)
                self._report_problem(CannotTrain("a Ray process could not start; the log says why"))
            except TrainingError as error:
                log.warning("a Ray process did not become warm: %s", error)
            else:
                self._warm += 1
                self._record_ready(process)
                log.info("process %d on node %s is warm", process.pid, process.node)
                return
            finally:
                await ray_task.cancel()
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, MAX_BACKOFF_SECONDS)

    def _record_ready(self, process: ProcessReady) -> None:
        self.provenance = self.provenance or process.provenance
        self._problem = None
        self._notify()

    def _report_problem(self, error: CannotTrain) -> None:
        if str(self._problem) != str(error):
            log.error("%s", error)
        self._problem = error
        self._notify()

    def _replace_process(self) -> None:
        self._warm -= 1
        self._run_in_background(self._warm_up_process())

    async def _release_slot(self, ray_task: RayTask) -> None:
        if not await ray_task.cancel():
            self._replace_process()
        self._ray_tasks.discard(ray_task)
        self._free_slots.release()

    async def _wait_for_change(self) -> None:
        """Waits until the state changes. Raises CannotTrain if no process can become warm."""
        if self._problem and not self._warm:
            raise self._problem.with_traceback(None)
        await self._changed.wait()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _run_in_background(self, run_training: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(run_training)
        self._background_tasks.add(task)
        task.add_done_callback(self._background_tasks.discard)
