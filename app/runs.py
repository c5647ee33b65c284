"""One run's whole life: admission, queue, log, stop, end."""

import asyncio
import logging
import math
import secrets
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import takewhile
from time import monotonic

from app.claims import judge
from app.engines.base import Engine, Health
from app.errors import Busy, NotYours, TooManyRuns, TrainingError, TrainingFailed, UnknownRun
from app.events import (
    ArmEnded,
    Done,
    FailureCode,
    Points,
    Queued,
    Row,
    RunEnd,
    Started,
    TrainingEvent,
    Verdict,
)
from app.experiments.base import Experiment, RunRequest, TrainingSpec
from app.log import Log
from app.measurements import Measurements, Provenance
from app.settings import Settings

log = logging.getLogger(__name__)

# Ended runs that can still be opened; each holds some 0.2 MB of events and points.
KEPT_RUNS = 200
# Seconds a step, measurements included, before the first training has been timed (measured
# on a two-core virtual machine: 0.02 to 0.045); after that a moving average of real ones.
FIRST_GUESS, SMOOTHING = 0.04, 0.2

FOR_READERS: dict[FailureCode, str] = {
    "worker_lost": "The process that trained was lost. Nothing is wrong with your settings: "
    "train again.",
    "deadline": "A training took longer than one may, and was ended.",
    "memory": "A training needed more memory than one may have, and was ended.",
    "internal": "Something of ours went wrong while training. It has been logged.",
}


class Run:
    """A set of trainings that one reader asked for, and all that came of them."""

    def __init__(
        self,
        experiment: Experiment,
        request: RunRequest,
        reader: str,
        key: str | None,
        node: str = "",
    ) -> None:
        # A proxy before several servers knows by the id which one holds the run.
        self.id = f"{node}-{secrets.token_urlsafe(12)}" if node else secrets.token_urlsafe(12)
        self.experiment = experiment
        self.request = request
        self.reader = reader
        self.key = key
        self.created = datetime.now(UTC)
        self.log = Log()
        self.measured = Measurements([arm.id for arm in experiment.arms])
        self.specs = list(experiment.trainings(request))
        self.tasks: set[asyncio.Task[None]] = set()
        self.queued: Queued | None = None
        self.started_at: float | None = None
        self.provenance: Provenance | None = None
        self.verdict: Verdict | None = None
        self.done: Done | None = None
        self._steps_left = {(spec.arm, spec.seed): spec.steps for spec in self.specs}

    @property
    def state(self) -> str:
        """queued, running, finished, stopped or failed."""
        if self.done:
            return self.done.state
        return "running" if self.started_at is not None else "queued"

    @property
    def steps_left(self) -> int:
        """Training steps that are still owed, over all its trainings."""
        return sum(self._steps_left.values())

    @property
    def work_left(self) -> float:
        """The same in steps of the article's first figure, which are a measure of time."""
        return self.steps_left * self.request.work / self.request.steps

    @property
    def elapsed_s(self) -> float:
        """Seconds since the first event of a training, up to now or to the end."""
        if self.done:
            return self.done.elapsed_s
        return 0.0 if self.started_at is None else monotonic() - self.started_at

    def record(self, event: TrainingEvent) -> None:
        """Keeps what a training says, and passes it on to whoever watches."""
        self.measured.add(event)
        training = (event.arm, event.seed)
        match event:
            case Points():
                self._steps_left[training] = self.request.steps - event.step[-1]
            case Row():
                pass
            case ArmEnded():
                del self._steps_left[training]
        self.log.append(event)

    @property
    def complete(self) -> bool:
        """All trainings have ended."""
        return not self._steps_left

    @property
    def file_name(self) -> str:
        """What a file about this run is called, without its ending."""
        return f"{self.experiment.slug}-seed-{self.request.seed}"

    def receipt(self) -> dict[str, object]:
        """All that is needed to know what was run, and to run it again."""
        return {
            "id": self.id,
            "slug": self.experiment.slug,
            "seed": self.request.seed,
            "seeds": self.request.seeds,
            "parameters": self.request.parameters(),
            "state": self.state,
            "verdict": self.verdict.text if self.verdict else None,
            "created": self.created.isoformat(timespec="seconds"),
            "elapsed_s": round(self.elapsed_s, 3),
            "versions": dict(self.provenance.versions) if self.provenance else {},
            "device": self.provenance.device if self.provenance else None,
            "hardware": self.provenance.hardware if self.provenance else None,
            "digest": self.measured.digest(),
        }


class Runs:
    """All runs of this server. The unit of scheduling is one training: (arm, seed)."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._runs: dict[str, Run] = {}
        self._queue: asyncio.Queue[tuple[Run, TrainingSpec]] = asyncio.Queue()
        self._seconds_a_step = FIRST_GUESS
        self._slots: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Starts the engine, which warms up by itself, and one loop for each of its slots."""
        await self._engine.start()
        self._slots = [asyncio.create_task(self._serve()) for _ in range(self._engine.slots)]

    async def close(self) -> None:
        """Ends all runs, then the engine. No training survives."""
        trainings = [task for run in self._live() for task in run.tasks]
        self.stop_all()
        await asyncio.gather(*trainings, return_exceptions=True)
        for slot in self._slots:
            slot.cancel()
        await asyncio.gather(*self._slots, return_exceptions=True)
        await self._engine.close()

    def health(self) -> Health:
        """What is warm now."""
        return self._engine.health()

    def create(
        self, experiment: Experiment, request: RunRequest, reader: str, key: str | None = None
    ) -> Run:
        """Admits a run. The same `key` again gives the same run. Raises Busy or TooManyRuns."""
        if key is not None:
            for run in self._runs.values():
                if run.key == key:
                    return run
        wait = self._wait_behind(self._live())
        self._admit(reader, wait)
        run = Run(experiment, request, reader, key, self._settings.node)
        self._runs[run.id] = run
        self._announce(run)
        for spec in run.specs:
            self._queue.put_nowait((run, spec))
        self._forget_oldest()
        log.info("run %s: %s, seed %d", run.id, experiment.slug, request.seed)
        return run

    def get(self, run_id: str) -> Run:
        """Raises UnknownRun."""
        try:
            return self._runs[run_id]
        except KeyError:
            raise UnknownRun("there is no such run, or it has expired") from None

    def stop(self, run_id: str, reader: str) -> Run:
        """Stops a run for the reader who started it; again does no harm. Raises NotYours."""
        run = self.get(run_id)
        if run.reader != reader:
            raise NotYours("only the reader who started a run can stop it")
        self._end(run, "stopped")
        return run

    def stop_all(self) -> None:
        """Ends every live run, so that each stream gets its last event."""
        for run in list(self._live()):
            self._end(run, "stopped")

    def _live(self) -> Iterator[Run]:
        return (run for run in self._runs.values() if not run.done)

    def _admit(self, reader: str, wait: float) -> None:
        if self._engine.health().problem:
            raise Busy("This server can't train at present. Recorded runs can be read.", 30)
        if wait > self._settings.queue_seconds:
            raise Busy(
                "Too many readers are training just now.",
                max(1, math.ceil(wait - self._settings.queue_seconds)),
            )
        if sum(run.reader == reader for run in self._live()) >= self._settings.runs_per_reader:
            raise TooManyRuns(
                f"You have {self._settings.runs_per_reader} runs waiting or training: "
                "stop one, or wait for its end.",
                max(1, math.ceil(wait / self._settings.runs_per_reader)),
            )

    def _wait_behind(self, ahead: Iterator[Run]) -> float:
        """Seconds until the engine has worked off these runs, as far as one can tell."""
        work = sum(run.work_left for run in ahead)
        return work * self._seconds_a_step / self._engine.slots

    def _announce(self, run: Run) -> None:
        """Tells a waiting run its place, if that changed."""
        ahead = list(takewhile(lambda other: other is not run, self._live()))
        position = sum(other.state == "queued" for other in ahead)
        if run.queued is None or run.queued.position != position:
            run.queued = Queued(position, round(self._wait_behind(iter(ahead)), 1))
            run.log.append(run.queued)

    def _announce_all(self) -> None:
        for run in self._live():
            if run.state == "queued":
                self._announce(run)

    def _forget_oldest(self) -> None:
        ended = [run.id for run in self._runs.values() if run.done]
        for run_id in ended[: max(0, len(ended) - KEPT_RUNS)]:
            del self._runs[run_id]

    async def _serve(self) -> None:
        """One slot: takes trainings from the queue, one after another."""
        while True:
            run, spec = await self._queue.get()
            if run.done:
                continue
            task = asyncio.create_task(self._train(run, spec))
            run.tasks.add(task)
            task.add_done_callback(run.tasks.discard)
            # A cancelled training is a stopped run; a cancelled slot ends its training too.
            try:
                await asyncio.wait({task})
            finally:
                task.cancel()

    async def _train(self, run: Run, spec: TrainingSpec) -> None:
        first: float | None = None
        try:
            async with aclosing(self._engine.train(spec)) as events:
                async for event in events:
                    if run.started_at is None:
                        self._begin(run)
                    first = first or monotonic()
                    run.record(event)
                    if isinstance(event, ArmEnded) and event.state == "finished":
                        self._learn_speed((monotonic() - first) / run.request.work)
            if run.complete and not run.done:
                run.verdict = judge(run.experiment.claims, run.measured)
                run.log.append(run.verdict)
                self._end(run, "finished")
        except TrainingError as error:
            self._fail(run, error)
        except Exception as error:  # ours, unforeseen: the run must still get its end
            log.exception("run %s", run.id)
            self._fail(run, error)

    def _begin(self, run: Run) -> None:
        run.started_at = monotonic()
        run.provenance = self._engine.provenance
        run.log.append(
            Started(
                run=run.id,
                slug=run.experiment.slug,
                seed=run.request.seed,
                seeds=run.request.seeds,
                arms=[arm.id for arm in run.experiment.arms],
                steps=run.request.steps,
                device=run.provenance.device if run.provenance else "unknown",
            )
        )
        self._announce_all()

    def _fail(self, run: Run, error: Exception) -> None:
        if run.done:  # two workers lost at once: the first has said it
            return
        reference = secrets.token_hex(4)
        details = error.details if isinstance(error, TrainingFailed) else error
        log.error("run %s failed, reference %s: %s", run.id, reference, details)
        code: FailureCode = error.code if isinstance(error, TrainingError) else "internal"
        self._end(run, "failed", code, reference)

    def _end(
        self,
        run: Run,
        state: RunEnd,
        code: FailureCode | None = None,
        reference: str | None = None,
    ) -> None:
        """The one place where a run ends: whoever comes second changes nothing."""
        if run.done:
            return
        message = FOR_READERS[code] if code else None
        run.done = Done(state, round(run.elapsed_s, 3), code, message, reference)
        run.log.append(run.done)
        for task in run.tasks - {asyncio.current_task()}:
            task.cancel()
        self._announce_all()

    def _learn_speed(self, seconds_a_step: float) -> None:
        self._seconds_a_step += SMOOTHING * (seconds_a_step - self._seconds_a_step)
