"""Trainings as Ray tasks: on a Ray of this server's own, or on all nodes of a cluster.

`docs/deployment.md` says how a cluster is set up. Tasks and not actors: the scheduler then spreads
them over whatever nodes there are, and a task that does not end when it is told to can be killed. A
task runs in a process that Ray keeps for the next one, and such a process keeps its trainer.

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

from app.engines.base import Health, allowed_seconds, sharing
from app.engines.cluster import Membership
from app.errors import (
    BatchNormError,
    DeadlineExceeded,
    MemoryExceeded,
    TrainingError,
    TrainingFailed,
    Unusable,
    WorkerLost,
)
from app.events import TrainingEvent
from app.experiments.definition import TrainingSpec
from app.measurements import Provenance
from app.settings import Settings

if TYPE_CHECKING:
    from app.training.trainer import Trainer

log = logging.getLogger(__name__)

# A process looks for an interrupt between two steps, some 50 ms apart; one that has not ended its
# training after this long is killed, so that a stop frees the slot within 1.5 s.
STOP_SECONDS = 1.0
# Longest from a task's submission to its first word: a process starts, imports torch and warms
# up. Where other servers use the cluster too, one of their trainings may have to end before.
WARM_UP_SECONDS = 120.0
# A process that is lost before it began costs nobody a training: so often it is tried again.
ATTEMPTS = 3
# Between attempts to join, or to warm a process up: doubled each time.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
# What a task is told of where it trains, if the server was: else each node has its own folders.
FOLDERS = {"data_dir", "cache_dir"}


@dataclass(frozen=True, slots=True)
class Warm:
    """A task's first word: the process that runs it can train."""

    node: str
    pid: int
    provenance: Provenance


Message: TypeAlias = Warm | TrainingEvent | BatchNormError


def work(spec: TrainingSpec | None, device: str, folders: Mapping[str, Path]) -> Iterator[Message]:
    """What a task does: makes its process warm if it is not, then trains `spec` if there is one.

    Its last word is an error if it did not reach its end.
    """
    try:
        trainer = _trainer(device, **folders)
        yield Warm(ray.get_runtime_context().get_node_id(), os.getpid(), trainer.provenance)
        if spec:
            yield from trainer.train(spec)
    except BatchNormError as error:
        yield error
    except Exception:
        yield TrainingFailed(traceback.format_exc())


@cache
def _trainer(device: str, **folders: Path) -> "Trainer":
    """This process's trainer. Folders that are not given are those of the node's own settings."""
    from app.training.trainer import prepare

    settings = Settings.model_validate(folders)
    return prepare(settings.data_dir, settings.cache_dir, device)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


# Ray gives a task a processor, and a GPU to one that asks for it.
TASKS = {
    device: ray.remote(num_gpus=gpus, num_returns="streaming", max_retries=0)(work)
    for device, gpus in (("cpu", 0), ("cuda", 1))
}
KILL = ray.remote(num_cpus=0, max_retries=0)(_kill)


class Call:
    """One task, wherever it runs."""

    def __init__(self, settings: Settings, spec: TrainingSpec | None) -> None:
        """Submits it. The very first call of a process asks the cluster, and may block."""
        self._settings = settings
        # With "auto" the numbers of a run would depend on which nodes have a GPU.
        self._device = "cuda" if settings.device == "cuda" else "cpu"
        self._spec = spec
        self._home: Warm | None = None
        self._submit()

    def _submit(self) -> None:
        folders = self._settings.model_dump(include=FOLDERS, exclude_unset=True)
        task = TASKS[self._device].remote(self._spec, self._device, folders)
        assert isinstance(task, ray.ObjectRefGenerator)  # Ray's types know nothing of "streaming"
        self._messages = task
        self._over = False

    async def begin(self) -> Warm:
        """Returns when its process is warm. One that is lost before is passed over."""
        seconds = WARM_UP_SECONDS + self._settings.deadline_seconds
        try:
            async with asyncio.timeout(seconds):
                for _ in range(ATTEMPTS - 1):
                    with suppress(WorkerLost):
                        return await self._first_word()
                    self._submit()
                return await self._first_word()
        except TimeoutError:
            raise WorkerLost(f"no process began a training within {seconds:g} s") from None

    async def next_event(self, deadline: float) -> TrainingEvent | None:
        """The next event, None at the end; raises DeadlineExceeded at that time of the loop."""
        try:
            async with asyncio.timeout_at(deadline):
                message = await self._receive()
        except TimeoutError:
            raise DeadlineExceeded("the training took longer than it may") from None
        assert not isinstance(message, Warm), message
        return message

    async def end(self) -> bool:
        """Ends the task; whether its process outlived that."""
        if not self._over:
            ray.cancel(self._messages)  # raises KeyboardInterrupt there
        try:
            async with asyncio.timeout(STOP_SECONDS):
                while not self._over:
                    with suppress(BatchNormError):
                        await self._receive()
        except TimeoutError:
            self.kill()
            return False
        return True

    def kill(self) -> None:
        """Ends the task's process at once, even one that does not hear Ray (measured: 7 min)."""
        if self._over:
            return
        ray.cancel(self._messages, force=True)
        if self._home is None:
            return
        if self._home.node == ray.get_runtime_context().get_node_id():
            _kill(self._home.pid)
        else:
            there = NodeAffinitySchedulingStrategy(self._home.node, soft=False)
            KILL.options(scheduling_strategy=there).remote(self._home.pid)

    async def _first_word(self) -> Warm:
        self._home = None
        message = await self._receive()
        assert isinstance(message, Warm), message
        self._home = message
        return message

    async def _receive(self) -> Warm | TrainingEvent | None:
        """What the task says next, None when it has ended; raises the error that was its end."""
        try:
            message: Message = await (await anext(self._messages))
        except StopAsyncIteration:
            self._over = True
            return None
        except RayError as error:
            self._over = True
            raise _ours(error) from None
        if isinstance(message, BatchNormError):
            raise message
        return message


def _ours(error: RayError) -> TrainingError:
    match error:
        case OutOfMemoryError():
            return MemoryExceeded(str(error))
        case TaskCancelledError():
            return WorkerLost("the task was cancelled")
        case RayTaskError():  # Ray could not even call `work`
            return TrainingFailed(str(error))
        case _:
            return WorkerLost(str(error))


class RayEngine:
    """As many trainings at a time as the cluster had processors when the server joined it.

    `warm` counts processes that said so, less those that are known to be lost. Ray decides where
    a training runs, and one that meets a cold process warms it up first.
    """

    def __init__(self, settings: Settings) -> None:
        self.slots = settings.workers
        self.side_by_side = sharing(settings.device)
        self.provenance: Provenance | None = None
        self._settings = settings
        self._membership: Membership | None = None
        self._joined = False
        self._warm = 0
        self._problem: Unusable | None = None
        self._news = asyncio.Event()
        self._calls: set[Call] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        # How much room a cluster has must be known before the first run is let in.
        if self._settings.ray_address:
            await self._try_to_join()
            if self._membership:
                self.slots = await self._membership.run(self._room)
        self._free = asyncio.Semaphore(self.slots)
        self._in_background(self._start())

    async def warm(self) -> None:
        while not self._warm:
            await self._hear()

    def health(self) -> Health:
        return Health(self.slots, self._warm, self._why_not())

    def _why_not(self) -> str | None:
        return None if self._warm or self._problem is None else str(self._problem)

    async def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        while not self._joined:
            await self._hear()
        await self._free.acquire()
        try:
            call = Call(self._settings, spec)
        except RayError as error:  # the node that this server is a driver of is gone
            self._free.release()
            raise _ours(error) from None
        self._calls.add(call)
        try:
            home = await call.begin()
            self._heed(home)
            log.info("%s, seed %d: process %d on node %s", spec.arm, spec.seed, home.pid, home.node)
            allowed = allowed_seconds(spec, self._settings.deadline_seconds)
            deadline = asyncio.get_running_loop().time() + allowed
            while event := await call.next_event(deadline):
                yield event
        except (WorkerLost, MemoryExceeded):
            self._lose_one()
            raise
        finally:
            self._in_background(self._take_back(call))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for call in self._calls:
            call.kill()
        if self._membership:
            await self._membership.leave()

    async def _start(self) -> None:
        pause = FIRST_PAUSE
        while not self._joined:
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            await self._try_to_join()
        for _ in range(self.slots):
            self._in_background(self._warm_one())

    async def _try_to_join(self) -> None:
        self._membership = Membership(self._settings)
        try:
            await self._membership.join()
        except Unusable as error:
            await self._membership.leave()
            self._membership = None
            self._report(error)
        else:
            self._joined = True
            self._tell()

    def _room(self) -> int:
        kind = "GPU" if self._settings.device == "cuda" else "CPU"
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        return max(1, int(resources.get(kind, 0)))

    async def _warm_one(self) -> None:
        """Has one more process warm up. They do so side by side, each on a processor of its own."""
        pause = FIRST_PAUSE
        while True:
            assert self._membership is not None
            call = await self._membership.run(lambda: Call(self._settings, None))
            try:
                home = await call.begin()
            except Unusable as error:
                self._report(error)
            except TrainingFailed as error:
                log.error("a Ray process could not start: %s", error.details)
                self._report(Unusable("a Ray process could not start; the log says why"))
            except TrainingError as error:
                log.warning("a Ray process did not become warm: %s", error)
            else:
                self._warm += 1
                self._heed(home)
                log.info("process %d on node %s is warm", home.pid, home.node)
                return
            finally:
                await call.end()
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _heed(self, home: Warm) -> None:
        self.provenance = self.provenance or home.provenance
        self._problem = None
        self._tell()

    def _report(self, error: Unusable) -> None:
        if str(self._problem) != str(error):
            log.error("%s", error)
        self._problem = error
        self._tell()

    def _lose_one(self) -> None:
        self._warm -= 1
        self._in_background(self._warm_one())

    async def _take_back(self, call: Call) -> None:
        if not await call.end():
            self._lose_one()
        self._calls.discard(call)
        self._free.release()

    async def _hear(self) -> None:
        """Waits until something changes; raises Unusable where waiting is in vain."""
        if self._problem and not self._warm:
            raise self._problem.with_traceback(None)
        await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _in_background(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
