"""The default engine: warm worker processes, each with a socket pair.

A ProcessPoolExecutor would not do: one dead child breaks the pool, a running call can't be
cancelled, and a call returns one value instead of a stream.
"""

import asyncio
import logging
import pickle
import socket
import sys
from asyncio.subprocess import Process
from collections import deque
from collections.abc import AsyncGenerator
from time import monotonic

from app import logging_config, machine
from app.engines.base import Health, side_by_side_on, time_limit_s
from app.engines.memory import private_bytes
from app.engines.messages import (
    LENGTH_HEADER,
    StartTraining,
    StartupFailed,
    StartupStage,
    StopTraining,
    TrainingBegan,
    TrainingEnded,
    WorkerCommand,
    WorkerMessage,
    WorkerReady,
    encode_message,
)
from app.engines.warm_up import StartupMonitor, process_activity
from app.engines.worker_environment import worker_environment
from app.errors import (
    CannotTrain,
    DeadlineExceeded,
    MemoryExceeded,
    TrainingError,
    TrainingFailed,
    WorkerLost,
)
from app.events import ArmEnded, Points, Row, TrainingEvent
from app.experiments.definition import TrainingSpec
from app.measurements import Provenance
from app.settings import Settings

log = logging.getLogger(__name__)

# A worker checks for a stop between two events, about every 50 ms. A worker that has not ended its
# training after this time is killed, so that a stop frees the slot within 1.5 s.
STOP_TIMEOUT_SECONDS = 1.0
# An idle worker answers at once; a worker that doesn't is stopped or gone.
BEGIN_TIMEOUT_SECONDS = 5.0
# The command of a worker process, without its arguments.
WORKER_COMMAND = (sys.executable, "-m", "app.engines.worker")
# Pauses between restarts of a worker that keeps dying: each is twice the last, and the pause is
# reset once a worker has lived for STABLE_SECONDS.
MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS, STABLE_SECONDS = 0.1, 5.0, 10.0
# Pauses between failed starts grow up to this. A command gives up after so many failed starts.
MAX_START_BACKOFF_SECONDS, MAX_FAILED_STARTS = 60.0, 6
# A starting worker is polled this often.
STARTUP_POLL_SECONDS = 1.0
# With this interval, a training that quickly allocates gigabytes was ended at most 14 MB over a cap
# of 700 (measured, n = 4, on two busy cores). A poll takes the server 35 µs (n = 7,000).
MEMORY_POLL_SECONDS = 0.1
# An idle worker that holds more than this share of its memory limit is replaced.
RECYCLE_MEMORY_SHARE = 0.75
MB = 1_000_000


def log_worker_count(settings: Settings) -> None:
    """Logs the number of workers if it needs an explanation."""
    chosen = "workers" in settings.model_fields_set
    if message := machine.explain_worker_count(
        settings.workers, chosen=chosen, available=machine.capacity()
    ):
        log.log(logging.WARNING if chosen else logging.INFO, message)


class Worker:
    """One process and the server's end of its socket."""

    def __init__(
        self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self._reader = reader
        self._writer = writer
        self._body_size: int | None = None
        self._killed = False
        self._kill_reason: TrainingError | None = None
        self.start_timed_out = False  # killed before it was warm

    @classmethod
    async def spawn(cls, settings: Settings) -> "Worker":
        """Starts a process in a session of its own, so that only the server gets Ctrl-C."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *WORKER_COMMAND,
                *(settings.data_dir, settings.cache_dir, settings.device),
                stdin=theirs.fileno(),
                env=worker_environment(),
                start_new_session=True,
            )
        return cls(process, *await asyncio.open_connection(sock=ours))

    @property
    def log_fields(self) -> dict[str, object]:
        """The field that identifies this worker in a log line."""
        return {"worker": self.process.pid}

    @property
    def alive(self) -> bool:
        return not self._killed and self.process.returncode is None

    @property
    def memory_bytes(self) -> int:
        """The worker's private memory."""
        return private_bytes(self.process.pid)

    def send(self, message: WorkerCommand) -> None:
        """Queues a command. That a worker is dead shows when its answer is read."""
        self._writer.write(encode_message(message))

    async def receive(self) -> WorkerMessage:
        """The next message. Raises WorkerLost if the worker is gone, or the reason of its killing.

        It can be cancelled at any point and called again without losing data.
        """
        try:
            if self._body_size is None:
                (self._body_size,) = LENGTH_HEADER.unpack(
                    await self._reader.readexactly(LENGTH_HEADER.size)
                )
            body = await self._reader.readexactly(self._body_size)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.kill()
            raise self._kill_reason or WorkerLost(f"worker {self.process.pid} is gone") from None
        self._body_size = None
        message: WorkerMessage = pickle.loads(body)
        return message

    def kill(self, reason: TrainingError | None = None) -> None:
        """Kills the process; its training fails with `reason`. Harmless if the process is gone."""
        self._killed = True
        self._kill_reason = self._kill_reason or reason
        self._writer.close()
        if self.process.returncode is None:
            self.process.kill()


class WorkersEngine:
    """Keeps `settings.workers` processes warm and assigns each one training at a time."""

    def __init__(self, settings: Settings) -> None:
        self.slots = settings.workers
        self.side_by_side = side_by_side_on(settings.device)
        self.provenance: Provenance | None = None
        self._settings = settings
        self._idle: deque[Worker] = deque()
        self._warm: set[Worker] = set()
        self._processes: set[Worker] = set()
        self._problem: CannotTrain | None = None
        self._restarts = 0
        self._starting: str | None = None
        self._failed_starts = 0  # consecutive
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        log_worker_count(self._settings)
        for _ in range(self.slots):
            self._run_in_background(asyncio.create_task(self._supervise_slot()))
        self._run_in_background(asyncio.create_task(self._watch_memory()))

    async def warm(self) -> None:
        while not self._warm:
            if self._failed_starts >= MAX_FAILED_STARTS:
                raise CannotTrain(f"no worker starts: {self._starting}")
            await self._wait_for_change()

    def health(self) -> Health:
        alive = sum(worker.alive for worker in self._warm)
        starting = self._starting if alive < self.slots else None
        return Health(self.slots, alive, self._fatal_problem(), starting, self._restarts)

    def _fatal_problem(self) -> str | None:
        return None if self._warm or self._problem is None else str(self._problem)

    async def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        worker = await self._assign(spec)
        logging_config.bind_fields(**worker.log_fields)
        limit = time_limit_s(spec, self._settings.deadline_seconds)
        deadline = asyncio.get_running_loop().time() + limit
        ended = False
        try:
            while not ended:
                try:
                    async with asyncio.timeout_at(deadline):
                        message = await worker.receive()
                except TimeoutError:
                    worker.kill()
                    raise DeadlineExceeded("the training exceeded its time limit") from None
                match message:
                    case Points() | Row() | ArmEnded():
                        yield message
                    case TrainingEnded(error):
                        ended = True
                        if error:
                            raise error
                    case StartupStage() | WorkerReady() | StartupFailed() | TrainingBegan():
                        worker.kill()
                        raise TrainingFailed(f"a training can't answer with {message}")
        finally:
            if ended:
                self._return_to_idle(worker)
            elif worker.alive:
                self._run_in_background(asyncio.create_task(self._abort_training(worker)))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in list(
            self._processes
        ):  # those whose supervisor was cancelled before it reaped them
            await self._reap(worker)

    async def _reap(self, worker: Worker) -> None:
        worker.kill()
        await worker.process.wait()
        self._processes.discard(worker)

    async def _assign(self, spec: TrainingSpec) -> Worker:
        """Assigns the training to an idle worker that responds, and returns the worker."""
        while True:
            while not self._idle:
                await self._wait_for_change()
            worker = self._idle.popleft()
            worker.send(StartTraining(spec))
            try:
                async with asyncio.timeout(BEGIN_TIMEOUT_SECONDS):
                    message = await worker.receive()
            except (TrainingError, TimeoutError):
                worker.kill()
            except asyncio.CancelledError:
                self._run_in_background(asyncio.create_task(self._abort_training(worker)))
                raise
            else:
                assert isinstance(message, TrainingBegan), message
                return worker

    def _return_to_idle(self, worker: Worker) -> None:
        if worker.memory_bytes > RECYCLE_MEMORY_SHARE * self._memory_limit:
            log.info("worker %d holds much memory and is replaced", worker.process.pid)
            worker.kill()
            return
        self._idle.append(worker)
        self._notify()

    @property
    def _memory_limit(self) -> int:
        return self._settings.worker_memory_mb * MB

    async def _watch_memory(self) -> None:
        """Kills workers that exceed the memory limit; they may be too busy to check themselves."""
        while True:
            await asyncio.sleep(MEMORY_POLL_SECONDS)
            for worker in self._warm.difference(self._idle):
                if worker.memory_bytes > self._memory_limit:
                    log.warning("worker %d exceeded its memory limit", worker.process.pid)
                    worker.kill(MemoryExceeded("the training exceeded its memory limit"))

    async def _wait_for_change(self) -> None:
        """Waits until the state changes. Raises CannotTrain if no worker can become warm."""
        if self._problem and not self._warm:
            raise self._problem.with_traceback(None)
        await self._changed.wait()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _supervise_slot(self) -> None:
        """Keeps one slot filled: starts a process, warms it up, and replaces it when it ends."""
        backoff = MIN_BACKOFF_SECONDS
        while True:
            warm_since: float | None = None
            try:
                worker = await Worker.spawn(self._settings)
            except OSError as error:  # too many open files, no memory: perhaps temporary
                self._start_failed(
                    f"the system starts no process ({machine.explain_start_failure(error)})"
                )
                log.error("no worker could be started: %s", self._starting)
                backoff = min(2 * backoff, MAX_START_BACKOFF_SECONDS)
                await asyncio.sleep(backoff)
                continue
            self._processes.add(worker)
            try:
                await self._warm_up(worker)
                warm_since = monotonic()
                await worker.process.wait()
                log.warning(
                    "a worker ended with %s", worker.process.returncode, extra=worker.log_fields
                )
            except WorkerLost as error:
                self._start_failed(
                    str(error)
                    if worker.start_timed_out
                    else machine.add_memory_limits("a worker ended as it started")
                )
                log.warning("a worker did not start: %s", self._starting, extra=worker.log_fields)
            except CannotTrain as error:
                if str(self._problem) != str(error):
                    log.error("%s (data in %s)", error, self._settings.data_dir)
                self._problem = error
                self._notify()
            finally:
                self._warm.discard(worker)
                if worker in self._idle:  # else the next training would go to a closed socket
                    self._idle.remove(worker)
                await self._reap(worker)
            self._restarts += 1
            if warm_since is None:
                backoff = min(2 * backoff, MAX_START_BACKOFF_SECONDS)
            elif monotonic() - warm_since > STABLE_SECONDS:
                backoff = MIN_BACKOFF_SECONDS
            else:
                backoff = min(2 * backoff, MAX_BACKOFF_SECONDS)
            await asyncio.sleep(backoff)

    def _start_failed(self, why: str) -> None:
        self._failed_starts += 1
        again = f" ({self._failed_starts} starts in a row)" if self._failed_starts > 1 else ""
        self._starting = why + again
        self._notify()

    async def _receive_ready(self, worker: Worker) -> WorkerMessage:
        """Waits for WorkerReady or StartupFailed, as long as the worker makes progress."""
        start = StartupMonitor(monotonic(), self._settings.start_seconds)
        while True:
            try:
                async with asyncio.timeout(STARTUP_POLL_SECONDS):
                    message = await worker.receive()
            except TimeoutError:
                now = monotonic()
                if why := start.failure(process_activity(worker.process.pid), now):
                    worker.start_timed_out = True
                    raise WorkerLost(why) from None
                self._starting = start.slow_notice(now) or self._starting
            else:
                if not isinstance(message, StartupStage):
                    return message
                start.stage_reached(message.stage, monotonic())

    async def _warm_up(self, worker: Worker) -> None:
        message = await self._receive_ready(worker)
        if isinstance(message, StartupFailed):
            raise message.error
        assert isinstance(message, WorkerReady), message
        if worker.memory_bytes > RECYCLE_MEMORY_SHARE * self._memory_limit:
            raise CannotTrain(
                f"a worker has {worker.memory_bytes / MB:.0f} MB before it trains: "
                "BATCHNORM_WORKER_MEMORY_MB is too low"
            )
        self.provenance = message.provenance
        self._problem = None
        self._starting = None
        self._failed_starts = 0
        self._warm.add(worker)
        self._return_to_idle(worker)
        log.info("a worker is warm", extra=worker.log_fields)

    async def _abort_training(self, worker: Worker) -> None:
        """Stops an abandoned training; kills the worker if it does not respond."""
        worker.send(StopTraining())
        try:
            async with asyncio.timeout(STOP_TIMEOUT_SECONDS):
                while not isinstance(await worker.receive(), TrainingEnded):
                    pass
        except (TimeoutError, TrainingError):
            worker.kill()
        else:
            self._return_to_idle(worker)

    def _run_in_background(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
