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
from collections.abc import AsyncGenerator
from time import monotonic

from app.engines.base import Health
from app.engines.messages import (
    HEADER,
    Ended,
    FromWorker,
    Ready,
    Stop,
    ToWorker,
    Train,
    Unusable,
    pack,
)
from app.errors import DatasetError, DeadlineExceeded, TrainingFailed, WorkerLost
from app.events import ArmEnded, Points, TrainingEvent
from app.experiments import TrainingSpec
from app.measurements import Provenance
from app.settings import Settings

log = logging.getLogger(__name__)

# A worker looks for a stop between two events, some 50 ms apart; one that hasn't ended its
# training after this long is killed, so that a stop frees the slot within 1.5 s.
STOP_SECONDS = 1.0
WARM_UP_SECONDS = 120.0
# Between starts of a worker that keeps dying: doubled each time, forgotten once one has lived.
FIRST_PAUSE, LONGEST_PAUSE, LIVED = 0.1, 5.0, 10.0


class Worker:
    """One process and the server's end of its socket."""

    def __init__(
        self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.process = process
        self._reader = reader
        self._writer = writer
        self._killed = False

    @classmethod
    async def spawn(cls, settings: Settings) -> "Worker":
        """A new process, not yet warm. Its own session: Ctrl-C in a terminal is the server's."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "app.engines.worker"),
                *(settings.data_dir, settings.cache_dir, settings.device),
                stdin=theirs.fileno(),
                env=os.environ | {"OMP_NUM_THREADS": "1"},
                start_new_session=True,
            )
        return cls(process, *await asyncio.open_connection(sock=ours))

    @property
    def alive(self) -> bool:
        return not self._killed and self.process.returncode is None

    def send(self, message: ToWorker) -> None:
        """Queues a message; a dead worker shows when the answer is read."""
        self._writer.write(pack(message))

    async def receive(self) -> FromWorker:
        """The next message; raises WorkerLost when there will be none."""
        try:
            header = await self._reader.readexactly(HEADER.size)
            body = await self._reader.readexactly(*HEADER.unpack(header))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.kill()
            raise WorkerLost(f"worker {self.process.pid} is gone") from None
        message: FromWorker = pickle.loads(body)
        return message

    def kill(self) -> None:
        """Ends the process at once. Harmless if it is gone."""
        self._killed = True
        self._writer.close()
        if self.process.returncode is None:
            self.process.kill()


class WorkersEngine:
    """Keeps `settings.workers` processes warm and lends each to one training at a time."""

    def __init__(self, settings: Settings) -> None:
        self.slots = settings.workers
        self.provenance: Provenance | None = None
        self._settings = settings
        self._idle: asyncio.Queue[Worker] = asyncio.Queue()
        self._warm: set[Worker] = set()
        self._problem: str | None = None
        self._news = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        for _ in range(self.slots):
            self._in_background(asyncio.create_task(self._keep_one()))

    async def warm(self) -> None:
        while not self._warm:
            if self._problem:
                raise DatasetError(self._problem)
            self._news.clear()
            await self._news.wait()

    def health(self) -> Health:
        return Health(self.slots, len(self._warm), None if self._warm else self._problem)

    async def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        worker = await self._idle.get()
        while not worker.alive:
            worker = await self._idle.get()
        deadline = asyncio.get_running_loop().time() + self._settings.deadline_seconds
        worker.send(Train(spec))
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
                    case Points() | ArmEnded():
                        yield message
                    case Ended(traceback):
                        ended = True
                        if traceback:
                            raise TrainingFailed(traceback)
                    case Ready() | Unusable():
                        worker.kill()
                        raise TrainingFailed(f"a training can't answer with {message}")
        finally:
            if ended:
                self._idle.put_nowait(worker)
            elif worker.alive:
                self._in_background(asyncio.create_task(self._take_back(worker)))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep_one(self) -> None:
        """Keeps one slot filled: a process is started, offered when warm, replaced at its end."""
        pause = FIRST_PAUSE
        while True:
            born = monotonic()
            worker = await Worker.spawn(self._settings)
            try:
                await self._warm_up(worker)
                await worker.process.wait()
                log.warning(
                    "worker %d ended with %s", worker.process.pid, worker.process.returncode
                )
            except (WorkerLost, TimeoutError):
                log.warning("worker %d did not become warm", worker.process.pid)
            except DatasetError as error:
                if self._problem != str(error):
                    log.error("%s (in %s)", error, self._settings.data_dir)
                self._problem = str(error)
                self._news.set()
            finally:
                self._warm.discard(worker)
                worker.kill()
                await worker.process.wait()
            pause = FIRST_PAUSE if monotonic() - born > LIVED else min(2 * pause, LONGEST_PAUSE)
            await asyncio.sleep(pause)

    async def _warm_up(self, worker: Worker) -> None:
        async with asyncio.timeout(WARM_UP_SECONDS):
            message = await worker.receive()
        if isinstance(message, Unusable):
            raise DatasetError(message.problem)
        assert isinstance(message, Ready), message
        self.provenance = message.provenance
        self._problem = None
        self._warm.add(worker)
        self._idle.put_nowait(worker)
        self._news.set()
        log.info("worker %d is warm", worker.process.pid)

    async def _take_back(self, worker: Worker) -> None:
        """A training was abandoned: have the worker end it, or end the worker."""
        worker.send(Stop())
        try:
            async with asyncio.timeout(STOP_SECONDS):
                while not isinstance(await worker.receive(), Ended):
                    pass
        except (TimeoutError, WorkerLost):
            worker.kill()
        else:
            self._idle.put_nowait(worker)

    def _in_background(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
