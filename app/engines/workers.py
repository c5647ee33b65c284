"""Warm worker processes, one socket pair each: the default engine.

Not a ProcessPoolExecutor: there one dead child breaks the pool, a running call can't be
cancelled, and a call returns one value where we need a stream.
"""

import asyncio
import logging
import os
import pickle
import socket
import sys
from asyncio.subprocess import Process
from collections import deque
from collections.abc import AsyncGenerator
from time import monotonic

from app import logging_config, machine
from app.engines.base import Health, allowed_seconds, sharing
from app.engines.memory import own_bytes
from app.engines.messages import (
    HEADER,
    Begun,
    Ended,
    FromWorker,
    Ready,
    Refused,
    Starting,
    Stop,
    ToWorker,
    Train,
    pack,
)
from app.engines.warm_up import WarmUp, work_done
from app.errors import (
    DeadlineExceeded,
    MemoryExceeded,
    TrainingError,
    TrainingFailed,
    Unusable,
    WorkerLost,
)
from app.events import ArmEnded, Points, Row, TrainingEvent
from app.experiments.definition import TrainingSpec
from app.measurements import Provenance
from app.settings import Settings

log = logging.getLogger(__name__)

# One thread a training. And memory that torch gives back stays with the worker: fetching it anew
# from the system took 6 % of a training (bench/NOTES.md).
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**28),
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_TOP_PAD_": str(2**26),
}
# A worker looks for a stop between two events, some 50 ms apart; one that hasn't ended its
# training after this long is killed, so that a stop frees the slot within 1.5 s.
STOP_SECONDS = 1.0
# An idle worker answers at once; one that doesn't has been stopped, or is gone.
BEGIN_SECONDS = 5.0
# What a new process runs; a worker's arguments follow.
PROGRAM = (sys.executable, "-m", "app.engines.worker")
# Between starts of a worker that keeps dying: doubled each time, forgotten once one has lived.
FIRST_PAUSE, LONGEST_PAUSE, LIVED = 0.1, 5.0, 10.0
# Where not even a start succeeds, pauses grow to this; and a command gives up after so many.
LONGEST_PAUSE_OF_STARTS, MANY_STARTS = 60.0, 6
# A worker that is not warm yet is looked at this often.
START_LOOK_SECONDS = 1.0
# A training that leaps to gigabytes was ended 14 MB over a cap of 700 at most (measured, n = 4, on
# two busy cores); a look takes 35 µs of the server's time (n = 7,000).
LOOK_SECONDS = 0.1
# An idle worker that holds more than this share of what it may is replaced by a fresh one.
GROWN = 0.75
MB = 1_000_000


def _same_modules() -> dict[str, str]:
    """A worker imports what the server does, even where the current folder has another `app`."""
    return {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)), "PYTHONSAFEPATH": "1"}


def report_workers(settings: Settings) -> None:
    """Says in the log how many workers there are, where that needs an explanation."""
    chosen = "workers" in settings.model_fields_set
    if said := machine.explain(settings.workers, chosen=chosen, room=machine.capacity()):
        log.log(logging.WARNING if chosen else logging.INFO, said)


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
        self._end: TrainingError | None = None
        self.slow = False  # given up on before it was warm

    @classmethod
    async def spawn(cls, settings: Settings) -> "Worker":
        """A new process, not yet warm. Its own session: Ctrl-C in a terminal is the server's."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *PROGRAM,
                *(settings.data_dir, settings.cache_dir, settings.device),
                stdin=theirs.fileno(),
                env=os.environ | ENVIRONMENT | _same_modules(),
                start_new_session=True,
            )
        return cls(process, *await asyncio.open_connection(sock=ours))

    @property
    def about(self) -> dict[str, object]:
        """For the log."""
        return {"worker": self.process.pid}

    @property
    def alive(self) -> bool:
        return not self._killed and self.process.returncode is None

    @property
    def memory(self) -> int:
        """Bytes that it holds for itself."""
        return own_bytes(self.process.pid)

    def send(self, message: ToWorker) -> None:
        """Queues a message; a dead worker shows when the answer is read."""
        self._writer.write(pack(message))

    async def receive(self) -> FromWorker:
        """The next message; raises WorkerLost when there will be none, or why it was killed.

        It may be cancelled anywhere, and called again: what was read so far is kept.
        """
        try:
            if self._body_size is None:
                (self._body_size,) = HEADER.unpack(await self._reader.readexactly(HEADER.size))
            body = await self._reader.readexactly(self._body_size)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.kill()
            raise self._end or WorkerLost(f"worker {self.process.pid} is gone") from None
        self._body_size = None
        message: FromWorker = pickle.loads(body)
        return message

    def kill(self, end: TrainingError | None = None) -> None:
        """Ends the process at once, and its training with `end`. Harmless if it is gone."""
        self._killed = True
        self._end = self._end or end
        self._writer.close()
        if self.process.returncode is None:
            self.process.kill()


class WorkersEngine:
    """Keeps `settings.workers` processes warm and lends each to one training at a time."""

    def __init__(self, settings: Settings) -> None:
        self.slots = settings.workers
        self.side_by_side = sharing(settings.device)
        self.provenance: Provenance | None = None
        self._settings = settings
        self._idle: deque[Worker] = deque()
        self._warm: set[Worker] = set()
        self._living: set[Worker] = set()
        self._problem: Unusable | None = None
        self._restarts = 0
        self._starting: str | None = None
        self._failed_starts = 0  # one after the other
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        report_workers(self._settings)
        for _ in range(self.slots):
            self._in_background(asyncio.create_task(self._keep_one()))
        self._in_background(asyncio.create_task(self._watch_memory()))

    async def warm(self) -> None:
        while not self._warm:
            if self._failed_starts >= MANY_STARTS:
                raise Unusable(f"no worker starts: {self._starting}")
            await self._hear()

    def health(self) -> Health:
        alive = sum(worker.alive for worker in self._warm)
        starting = self._starting if alive < self.slots else None
        return Health(self.slots, alive, self._why_not(), starting, self._restarts)

    def _why_not(self) -> str | None:
        return None if self._warm or self._problem is None else str(self._problem)

    async def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        worker = await self._begin(spec)
        logging_config.note(**worker.about)
        allowed = allowed_seconds(spec, self._settings.deadline_seconds)
        deadline = asyncio.get_running_loop().time() + allowed
        ended = False
        try:
            while not ended:
                try:
                    async with asyncio.timeout_at(deadline):
                        message = await worker.receive()
                except TimeoutError:
                    worker.kill()
                    raise DeadlineExceeded("the training took longer than it may") from None
                match message:
                    case Points() | Row() | ArmEnded():
                        yield message
                    case Ended(error):
                        ended = True
                        if error:
                            raise error
                    case Starting() | Ready() | Refused() | Begun():
                        worker.kill()
                        raise TrainingFailed(f"a training can't answer with {message}")
        finally:
            if ended:
                self._offer(worker)
            elif worker.alive:
                self._in_background(asyncio.create_task(self._take_back(worker)))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in list(self._living):  # whose end somebody was cancelled waiting for
            await self._bury(worker)

    async def _bury(self, worker: Worker) -> None:
        worker.kill()
        await worker.process.wait()
        self._living.discard(worker)

    async def _begin(self, spec: TrainingSpec) -> Worker:
        """A worker that has begun this training; one that died while it was idle is passed over."""
        while True:
            while not self._idle:
                await self._hear()
            worker = self._idle.popleft()
            worker.send(Train(spec))
            try:
                async with asyncio.timeout(BEGIN_SECONDS):
                    message = await worker.receive()
            except (TrainingError, TimeoutError):
                worker.kill()
            except asyncio.CancelledError:
                self._in_background(asyncio.create_task(self._take_back(worker)))
                raise
            else:
                assert isinstance(message, Begun), message
                return worker

    def _offer(self, worker: Worker) -> None:
        if worker.memory > GROWN * self._most_memory:
            log.info("worker %d has grown, and is replaced", worker.process.pid)
            worker.kill()
            return
        self._idle.append(worker)
        self._tell()

    @property
    def _most_memory(self) -> int:
        return self._settings.worker_memory_mb * MB

    async def _watch_memory(self) -> None:
        """Ends what needs more than it may. Not the worker's own business: it may be too busy."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for worker in self._warm.difference(self._idle):
                if worker.memory > self._most_memory:
                    log.warning("worker %d is over its memory", worker.process.pid)
                    worker.kill(MemoryExceeded("the training needed more memory than it may have"))

    async def _hear(self) -> None:
        """Waits until something changes; raises Unusable where waiting is in vain."""
        if self._problem and not self._warm:
            raise self._problem.with_traceback(None)
        await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _keep_one(self) -> None:
        """Keeps one slot filled: a process is started, offered when warm, replaced at its end."""
        pause = FIRST_PAUSE
        while True:
            warm_since: float | None = None
            try:
                worker = await Worker.spawn(self._settings)
            except OSError as error:  # too many open files, no memory: it may pass
                self._start_failed(
                    f"the system starts no process ({machine.explain_refusal(error)})"
                )
                log.error("no worker: %s", self._starting)
                pause = min(2 * pause, LONGEST_PAUSE_OF_STARTS)
                await asyncio.sleep(pause)
                continue
            self._living.add(worker)
            try:
                await self._warm_up(worker)
                warm_since = monotonic()
                await worker.process.wait()
                log.warning("a worker ended with %s", worker.process.returncode, extra=worker.about)
            except WorkerLost as error:
                self._start_failed(
                    str(error)
                    if worker.slow
                    else machine.with_memory_bounds("a worker ended as it started")
                )
                log.warning("not warm: %s", self._starting, extra=worker.about)
            except Unusable as error:
                if str(self._problem) != str(error):
                    log.error("%s (data in %s)", error, self._settings.data_dir)
                self._problem = error
                self._tell()
            finally:
                self._warm.discard(worker)
                if worker in self._idle:  # or the next training would be sent to a closed socket
                    self._idle.remove(worker)
                await self._bury(worker)
            self._restarts += 1
            if warm_since is None:
                pause = min(2 * pause, LONGEST_PAUSE_OF_STARTS)
            elif monotonic() - warm_since > LIVED:
                pause = FIRST_PAUSE
            else:
                pause = min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    def _start_failed(self, why: str) -> None:
        self._failed_starts += 1
        again = f" ({self._failed_starts} starts in a row)" if self._failed_starts > 1 else ""
        self._starting = why + again
        self._tell()

    async def _first_word(self, worker: Worker) -> FromWorker:
        """Waits for a starting worker's Ready or Refused, for as long as it makes progress."""
        start = WarmUp(monotonic(), self._settings.start_seconds)
        while True:
            try:
                async with asyncio.timeout(START_LOOK_SECONDS):
                    message = await worker.receive()
            except TimeoutError:
                now = monotonic()
                if why := start.given_up(work_done(worker.process.pid), now):
                    worker.slow = True
                    raise WorkerLost(why) from None
                self._starting = start.takes_long(now) or self._starting
            else:
                if not isinstance(message, Starting):
                    return message
                start.progress(message.stage, monotonic())

    async def _warm_up(self, worker: Worker) -> None:
        message = await self._first_word(worker)
        if isinstance(message, Refused):
            raise message.error
        assert isinstance(message, Ready), message
        if worker.memory > GROWN * self._most_memory:
            raise Unusable(
                f"a worker has {worker.memory / MB:.0f} MB before it trains: "
                "BATCHNORM_WORKER_MEMORY_MB is too low"
            )
        self.provenance = message.provenance
        self._problem = None
        self._starting = None
        self._failed_starts = 0
        self._warm.add(worker)
        self._offer(worker)
        log.info("a worker is warm", extra=worker.about)

    async def _take_back(self, worker: Worker) -> None:
        """A training was abandoned: have the worker end it, or end the worker."""
        worker.send(Stop())
        try:
            async with asyncio.timeout(STOP_SECONDS):
                while not isinstance(await worker.receive(), Ended):
                    pass
        except (TimeoutError, TrainingError):
            worker.kill()
        else:
            self._offer(worker)

    def _in_background(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
