"""All runs of a server: who gets in, whose turn it is, what trains, how a run ends."""

import asyncio
import logging
import math
import secrets
from collections.abc import Iterable
from contextlib import aclosing
from datetime import UTC, datetime
from time import monotonic

from app import logging_config
from app.engines.base import Engine, Health
from app.errors import (
    Busy,
    NotYours,
    TooManyRuns,
    TrainingError,
    TrainingFailed,
    UnknownRun,
)
from app.events import ArmEnded, Done, FailureCode, Queued, Started
from app.experiments.definition import Experiment, RunRequest, TrainingSpec
from app.runs.archive import Archive
from app.runs.counters import Counts, Tally
from app.runs.fair_queue import Turns
from app.runs.history import Ended
from app.runs.idempotency import Keys
from app.runs.run import Run
from app.settings import Settings

log = logging.getLogger(__name__)

# Of one run, those who asked for it and may stop it. Who is beyond it watches the same.
MAX_ASKERS = 1_000
# A run that ended this short a time ago is also the answer to somebody else who asks for it.
SOON_SECONDS = 60.0
# A run that waits and that nobody has looked at for this long is dropped.
UNSEEN_SECONDS = 15.0
TIDY_SECONDS, RETRY_SECONDS = 1.0, 30.0
# A change of the promised wait that is worth a word to those who wait.
WORTH_TELLING_SECONDS = 5.0
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


class Runs:
    """The unit of scheduling is one training: (arm, seed)."""

    def __init__(self, engine: Engine, settings: Settings, archive: Archive | None = None) -> None:
        self._engine = engine
        self._settings = settings
        self._live: dict[str, Run] = {}
        self._ended = Ended(archive)
        self._keys = Keys()
        self._turns: Turns[tuple[Run, TrainingSpec]] = Turns()
        self._seconds_a_step = FIRST_GUESS
        self._slots: list[asyncio.Task[None]] = []
        self._finishing: set[asyncio.Task[None]] = set()
        self._tidying: asyncio.Task[None] | None = None
        self._tally = Tally()

    async def start(self) -> None:
        """Starts the engine, which warms up by itself, and one loop for each of its slots."""
        await self._engine.start()
        self._slots = [asyncio.create_task(self._serve()) for _ in range(self._engine.slots)]
        self._tidying = asyncio.create_task(self._tidy_for_ever())

    async def close(self) -> None:
        """Ends all runs, then the engine. No training survives, and what finished is kept."""
        trainings = [task for run in self._live.values() for task in run.tasks]
        self.stop_all()
        await asyncio.gather(*trainings, return_exceptions=True)
        await asyncio.gather(*self._finishing, return_exceptions=True)
        loops = [*self._slots, *([self._tidying] if self._tidying else [])]
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await self._ended.save_late()
        await self._engine.close()

    def health(self) -> Health:
        """What is warm now."""
        return self._engine.health()

    def counts(self) -> Counts:
        """What was done since the start, and what is live now."""
        states = [run.state for run in self._live.values()]
        return self._tally.counts(
            queued=states.count("queued"),
            running=states.count("running"),
            promised_wait_s=self._seconds_for(self._live.values()),
        )

    def create(
        self,
        experiment: Experiment,
        request: RunRequest,
        reader: str,
        key: str | None = None,
        address: str = "",
    ) -> Run:
        """The run that answers this request: a new one, or one that others asked for already.

        The same `key` again gives the same run. Raises Busy or TooManyRuns, and InvalidRequest
        where the key was used for something else.
        """
        if known := self._keys.run_of(key, experiment, request):
            return known
        run = self._twin(experiment, request, reader)
        if run:
            self._tally.shared()
        else:
            try:
                run = self._admit(experiment, request, reader, address)
            except Busy as refusal:
                run = self._instead(refusal, experiment, request)
        if reader not in run.askers and len(run.askers) < MAX_ASKERS:
            run.askers.append(reader)
            run.left.discard(reader)
        self._keys.remember(key, experiment, request, run)
        return run

    async def find(self, run_id: str) -> Run:
        """A run that lives, or ended and is still kept. Raises UnknownRun or StoreUnavailable."""
        run = self._live.get(run_id) or await self._ended.find(run_id)
        if run is None:
            raise UnknownRun("there is no such run, or it has expired")
        run.last_seen = monotonic()
        return run

    def stop(self, run: Run, reader: str) -> None:
        """This reader wants the run no longer; it ends when none of those who asked for it does.

        Again does no harm. Raises NotYours.
        """
        if reader not in run.askers and reader not in run.left:
            raise NotYours(
                "Only the reader who started a run can stop it, and this browser hasn’t said that "
                "it is that reader’s: are cookies blocked? The run ends by itself."
            )
        if run.done or run.complete or reader in run.left:
            return
        run.askers.remove(reader)
        run.left.add(reader)
        if not run.askers:
            self._stop(run)

    def stop_all(self) -> None:
        """Ends every live run, so that each stream gets its last event."""
        for run in list(self._live.values()):
            if not run.complete:  # that one is about to finish
                self._stop(run)

    def tidy(self) -> None:
        """Drops the runs that wait while nobody looks, and tells the others their place."""
        for run in list(self._live.values()):
            if run.state == "queued" and run.unseen_s() > UNSEEN_SECONDS:
                log.info("nobody waits for it", extra=run.about)
                self._stop(run)
            else:
                run.release()
        self._announce()

    def _twin(self, experiment: Experiment, request: RunRequest, reader: str) -> Run | None:
        """The very same run. One that has ended is no answer to a reader who had it: who asks for
        it again wants to see it repeated.
        """
        for run in self._live.values():
            if _same(run, experiment, request) and reader not in run.left:
                return run
        for run in self._ended:
            if (
                run.state == "finished"
                and monotonic() - run.ended_at < SOON_SECONDS
                and reader not in run.askers
                and _same(run, experiment, request)
            ):
                return run
        return None

    def _instead(self, refusal: Busy, experiment: Experiment, request: RunRequest) -> Run:
        """Whoever left the seed open gets a run that differs in the seed alone, one that waits
        rather than one that trains; else `refusal` is raised.
        """
        if not isinstance(refusal, TooManyRuns) and "seed" not in request.model_fields_set:
            alike = [
                run
                for run in self._live.values()
                if run.experiment is experiment
                and run.request.seeds == request.seeds
                and run.request.parameters() == request.parameters()
            ]
            alike.sort(key=lambda run: run.state != "queued")
            if alike:
                self._tally.shared()
                return alike[0]
        self._tally.refused(refusal)
        raise refusal

    def _admit(self, experiment: Experiment, request: RunRequest, reader: str, address: str) -> Run:
        self._refuse(reader, address)
        run = Run(
            experiment,
            request,
            reader,
            address=address,
            node=self._settings.node,
            side_by_side=self._engine.side_by_side,
            slots=self._engine.slots,
        )
        self._live[run.id] = run
        for spec in run.specs:
            self._turns.add(reader, (run, spec), _work(run, spec))
        self._announce()
        self._tally.created()
        log.info("admitted", extra=run.about)
        return run

    def _refuse(self, reader: str, address: str) -> None:
        """Raises Busy or TooManyRuns where there is no room for one more run."""
        if self._engine.health().problem:
            raise Busy("This server can't train at present. Recorded runs can be read.", 30)
        longest, share = self._settings.queue_seconds, self._settings.address_share
        wait = self._seconds_for(self._live.values())
        most = self._settings.runs_per_reader
        if sum(reader in run.askers for run in self._live.values()) >= most:
            raise TooManyRuns(
                f"You have {most} runs waiting or training: stop one, or wait for its end.",
                max(1, math.ceil(wait / most)),
            )
        if wait > longest:
            raise Busy("Too many readers are training just now.", math.ceil(wait - longest))
        of_address = self._seconds_for(run for run in self._live.values() if run.address == address)
        if of_address > share * longest:
            raise Busy(
                "Too many readers at your address are training just now.",
                math.ceil(of_address - share * longest),
            )

    def _seconds_for(self, runs: Iterable[Run]) -> float:
        """Seconds until the engine has worked off these runs, as far as one can tell."""
        return self._seconds(sum(run.work_left for run in runs))

    def _seconds(self, work: float) -> float:
        return work * self._seconds_a_step / self._engine.slots

    def _announce(self) -> None:
        """Tells each waiting run its place and its promised wait, where they changed."""
        line = list(self._turns.order())
        waiting = sum(_work(run, spec) for run, spec in line)
        in_training = sum(run.work_left for run in self._live.values()) - waiting
        ahead = max(0.0, in_training)
        # A run whose trainings all have a worker that has not begun is ahead, too.
        told = {run.id for run in self._live.values() if run.state == "queued"}
        told -= {run.id for run, _ in line}
        for run, spec in line:
            if run.state == "queued" and run.id not in told:
                self._tell(run, Queued(len(told), round(self._seconds(ahead), 1)))
                told.add(run.id)
            ahead += _work(run, spec)

    def _tell(self, run: Run, now: Queued) -> None:
        before = run.queued
        if (
            before is None
            or before.position != now.position
            or abs(before.eta_s - now.eta_s) > WORTH_TELLING_SECONDS
        ):
            run.append(now)

    async def _serve(self) -> None:
        """One slot: takes trainings, one after another."""
        while True:
            run, spec = await self._turns.next()
            task = asyncio.create_task(self._train(run, spec))
            run.tasks.add(task)
            task.add_done_callback(run.tasks.discard)
            # A cancelled training is a stopped run; a cancelled slot ends its training too.
            try:
                await asyncio.wait({task})
            finally:
                task.cancel()

    async def _train(self, run: Run, spec: TrainingSpec) -> None:
        logging_config.note(**run.about, arm=spec.arm)
        first: float | None = None
        run.enter(spec)
        try:
            async with aclosing(self._engine.train(spec)) as events:
                async for event in events:
                    if run.started_at is None:
                        self._begin(run)
                    first = first or monotonic()
                    run.hear(event)
                    self._tally.heard(event, monotonic() - first)
                    if isinstance(event, ArmEnded) and event.state == "finished":
                        self._learn_speed((monotonic() - first) / _work(run, spec))
            # The last of several that end at once finds that another one has seen to it.
            if run.complete and not run.verdict and not run.done:
                run.append(run.experiment.judge(run.measured))
                self._keep(asyncio.create_task(self._finish(run)))
        except TrainingError as error:
            self._fail(run, error)
        except Exception as error:  # ours, unforeseen: the run must still get its end
            self._fail(run, error)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    def _begin(self, run: Run) -> None:
        self._tally.started((datetime.now(UTC) - run.created).total_seconds())
        run.provenance = self._engine.provenance
        run.append(
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
        self._announce()

    async def _finish(self, run: Run) -> None:
        """Has a judged run on the disk before it says that it is done."""
        try:
            done = Done("finished", round(run.elapsed_s, 3))
            # Each who opens it asks for it; of ten seeds it takes 50 ms, which nobody shall wait.
            await asyncio.to_thread(run.measured.digest)
            await self._ended.save(run, done)
            self._end(run, done)
        except Exception as error:
            self._fail(run, error)

    def _fail(self, run: Run, error: Exception) -> None:
        if run.done:  # two workers lost at once: the first has said it
            return
        reference = secrets.token_hex(4)
        code: FailureCode = error.code if isinstance(error, TrainingError) else "internal"
        about = {**run.about, "reference": reference, "code": code}
        if isinstance(error, TrainingFailed):
            log.error("failed", extra={**about, "traceback": error.details})
        elif isinstance(error, TrainingError):
            log.error("failed: %s", error, extra=about)
        else:
            log.error("failed", exc_info=error, extra=about)
        elapsed = round(run.elapsed_s, 3)
        self._end(run, Done("failed", elapsed, code, FOR_READERS[code], reference))

    def _stop(self, run: Run) -> None:
        self._end(run, Done("stopped", round(run.elapsed_s, 3)))

    def _end(self, run: Run, done: Done) -> None:
        """The one place where a run ends: whoever comes second changes nothing."""
        if run.done:
            return
        run.release(everything=True)
        run.append(done)
        self._tally.over(done)
        log.info("ended: %s", done.state, extra=run.about)
        for task in run.tasks - {asyncio.current_task()}:
            task.cancel()
        self._turns.remove(lambda waiting: waiting[0] is run)
        del self._live[run.id]
        self._ended.add(run)
        self._announce()

    def _learn_speed(self, seconds_a_step: float) -> None:
        self._seconds_a_step += SMOOTHING * (seconds_a_step - self._seconds_a_step)

    async def _tidy_for_ever(self) -> None:
        next_try = monotonic() + RETRY_SECONDS
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            self.tidy()
            if monotonic() > next_try:
                await self._ended.save_late()
                next_try = monotonic() + RETRY_SECONDS


def _work(run: Run, spec: TrainingSpec) -> float:
    """Of one of its trainings, with those beside it."""
    return run.request.work * len(spec.members)


def _same(run: Run, experiment: Experiment, request: RunRequest) -> bool:
    return run.experiment is experiment and run.request.same_as(request)
