"""The scheduler of all runs: it admits them, queues their trainings fairly, and ends them."""

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
from app.errors import Busy, NotRunOwner, TooManyRuns, TrainingError, TrainingFailed, UnknownRun
from app.events import ArmEnded, Done, FailureCode, Queued, Started
from app.experiments.definition import Experiment, RunRequest, TrainingSpec
from app.runs.archive import Archive
from app.runs.counters import CountersSnapshot, RunCounters
from app.runs.fair_queue import FairQueue
from app.runs.history import RunHistory
from app.runs.idempotency import IdempotencyKeys
from app.runs.run import Run
from app.settings import Settings

log = logging.getLogger(__name__)

# At most this many readers own a run and may stop it; later ones only watch.
MAX_OWNERS = 1_000
# A run that finished within this time also answers another reader's identical request.
REUSE_SECONDS = 60.0
# A queued run that nobody has watched for this long is dropped.
UNWATCHED_SECONDS = 15.0
MAINTENANCE_SECONDS, RETRY_SECONDS = 1.0, 30.0
# A waiting reader is told of a new estimate when it differs by more than this.
MIN_ETA_CHANGE_SECONDS = 5.0
# Seconds per step, measurements included, assumed until the first training has been timed (measured
# on a two-core virtual machine: 0.02 to 0.045). After that it is an exponential moving average.
INITIAL_SECONDS_PER_STEP, SMOOTHING = 0.04, 0.2

FAILURE_MESSAGES: dict[FailureCode, str] = {
    "worker_lost": "The process that trained was lost. Nothing is wrong with your settings: "
    "train again.",
    "deadline": "A training exceeded its time limit and was ended.",
    "memory": "A training exceeded its memory limit and was ended.",
    "internal": "An error in this program ended the training. It has been logged.",
}


class RunScheduler:
    """Admits runs and passes their trainings to the engine, each training (arm, seed) by itself."""

    def __init__(self, engine: Engine, settings: Settings, archive: Archive | None = None) -> None:
        self._engine = engine
        self._settings = settings
        self._live: dict[str, Run] = {}
        self._history = RunHistory(archive)
        self._keys = IdempotencyKeys()
        self._queue: FairQueue[tuple[Run, TrainingSpec]] = FairQueue()
        self._seconds_per_step = INITIAL_SECONDS_PER_STEP
        self._slot_tasks: list[asyncio.Task[None]] = []
        self._finishing: set[asyncio.Task[None]] = set()
        self._maintenance_task: asyncio.Task[None] | None = None
        self._counters = RunCounters()

    async def start(self) -> None:
        """Starts the engine, which warms up in the background, and one loop for each slot."""
        await self._engine.start()
        self._slot_tasks = [
            asyncio.create_task(self._slot_loop()) for _ in range(self._engine.slots)
        ]
        self._maintenance_task = asyncio.create_task(self._maintenance_loop())

    async def close(self) -> None:
        """Stops all runs, saves the finished ones, and closes the engine."""
        trainings = [task for run in self._live.values() for task in run.tasks]
        self.stop_all()
        await asyncio.gather(*trainings, return_exceptions=True)
        await asyncio.gather(*self._finishing, return_exceptions=True)
        loops = [*self._slot_tasks, *([self._maintenance_task] if self._maintenance_task else [])]
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await self._history.retry_unsaved()
        await self._engine.close()

    def health(self) -> Health:
        """The engine's health."""
        return self._engine.health()

    def counts(self) -> CountersSnapshot:
        """All counters since the start, and the numbers of queued and running runs."""
        states = [run.state for run in self._live.values()]
        return self._counters.snapshot(
            queued=states.count("queued"),
            running=states.count("running"),
            promised_wait_s=self._wait_s(self._live.values()),
        )

    def create(
        self,
        experiment: Experiment,
        request: RunRequest,
        reader: str,
        key: str | None = None,
        address: str = "",
    ) -> Run:
        """The run that answers this request: a new run, or an identical one that exists already.

        The same idempotency `key` gives the same run. Raises Busy or TooManyRuns, and
        InvalidRequest if the key was used for a different request.
        """
        if known := self._keys.find_run(key, experiment, request):
            return known
        run = self._find_identical(experiment, request, reader)
        if run:
            self._counters.run_shared()
        else:
            try:
                run = self._admit(experiment, request, reader, address)
            except Busy as refusal:
                run = self._offer_similar(refusal, experiment, request)
        if reader not in run.owners and len(run.owners) < MAX_OWNERS:
            run.owners.append(reader)
            run.former_owners.discard(reader)
        self._keys.remember(key, experiment, request, run)
        return run

    async def find(self, run_id: str) -> Run:
        """The live or ended run with this id. Raises UnknownRun or StoreUnavailable."""
        run = self._live.get(run_id) or await self._history.find(run_id)
        if run is None:
            raise UnknownRun("there is no such run, or it has expired")
        run.last_viewed_at = monotonic()
        return run

    def stop(self, run: Run, reader: str) -> None:
        """Removes this reader from the run's owners; a run without owners ends.

        Stopping twice is harmless. Raises NotRunOwner.
        """
        if reader not in run.owners and reader not in run.former_owners:
            raise NotRunOwner(
                "Only the reader who started a run can stop it, and this browser hasn’t said that "
                "it is that reader’s: are cookies blocked? The run ends by itself."
            )
        if run.done or run.complete or reader in run.former_owners:
            return
        run.owners.remove(reader)
        run.former_owners.add(reader)
        if not run.owners:
            self._stop(run)

    def stop_all(self) -> None:
        """Stops every live run, so that each stream gets its last event."""
        for run in list(self._live.values()):
            if not run.complete:  # a complete run is about to finish
                self._stop(run)

    def maintain(self) -> None:
        """Drops queued runs that nobody watches, and updates the positions of the others."""
        for run in list(self._live.values()):
            if run.state == "queued" and run.unwatched_s() > UNWATCHED_SECONDS:
                log.info("run dropped: nobody watches it", extra=run.log_fields)
                self._stop(run)
            else:
                run.release_held()
        self._update_positions()

    def _find_identical(
        self, experiment: Experiment, request: RunRequest, reader: str
    ) -> Run | None:
        """An identical run that is live, or finished a short time ago; None if there is none.

        A finished run does not answer one of its own owners, who wants to see it repeated.
        """
        for run in self._live.values():
            if _is_identical(run, experiment, request) and reader not in run.former_owners:
                return run
        for run in self._history:
            if (
                run.state == "finished"
                and monotonic() - run.ended_at < REUSE_SECONDS
                and reader not in run.owners
                and _is_identical(run, experiment, request)
            ):
                return run
        return None

    def _offer_similar(self, refusal: Busy, experiment: Experiment, request: RunRequest) -> Run:
        """A live run that differs only in its seed, if the reader chose none; queued runs first.

        Raises `refusal` if there is no such run.
        """
        if not isinstance(refusal, TooManyRuns) and "seed" not in request.model_fields_set:
            similar = [
                run
                for run in self._live.values()
                if run.experiment is experiment
                and run.request.seeds == request.seeds
                and run.request.parameters() == request.parameters()
            ]
            similar.sort(key=lambda run: run.state != "queued")
            if similar:
                self._counters.run_shared()
                return similar[0]
        self._counters.run_refused(refusal)
        raise refusal

    def _admit(self, experiment: Experiment, request: RunRequest, reader: str, address: str) -> Run:
        self._check_capacity(reader, address)
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
            self._queue.put(reader, (run, spec), _training_work(run, spec))
        self._update_positions()
        self._counters.run_created()
        log.info("run admitted", extra=run.log_fields)
        return run

    def _check_capacity(self, reader: str, address: str) -> None:
        """Raises Busy or TooManyRuns if the server has no capacity for one more run."""
        if self._engine.health().problem:
            raise Busy("This server can't train at present. Recorded runs can be read.", 30)
        max_wait, share = self._settings.queue_seconds, self._settings.address_share
        wait = self._wait_s(self._live.values())
        max_runs = self._settings.runs_per_reader
        if sum(reader in run.owners for run in self._live.values()) >= max_runs:
            raise TooManyRuns(
                f"You have {max_runs} runs waiting or training: stop one, or wait for its end.",
                max(1, math.ceil(wait / max_runs)),
            )
        if wait > max_wait:
            raise Busy("Too many readers are training just now.", math.ceil(wait - max_wait))
        address_wait = self._wait_s(run for run in self._live.values() if run.address == address)
        if address_wait > share * max_wait:
            raise Busy(
                "Too many readers at your address are training just now.",
                math.ceil(address_wait - share * max_wait),
            )

    def _wait_s(self, runs: Iterable[Run]) -> float:
        """Estimated seconds until the engine has finished these runs."""
        return self._work_wait_s(sum(run.work_left for run in runs))

    def _work_wait_s(self, work: float) -> float:
        return work * self._seconds_per_step / self._engine.slots

    def _update_positions(self) -> None:
        """Sends each queued run its position and estimated wait, if they changed."""
        waiting = list(self._queue.upcoming())
        queued_work = sum(_training_work(run, spec) for run, spec in waiting)
        ahead = max(0.0, sum(run.work_left for run in self._live.values()) - queued_work)
        # Queued runs whose trainings have all left the queue are ahead of all others.
        announced = {run.id for run in self._live.values() if run.state == "queued"}
        announced -= {run.id for run, _ in waiting}
        for run, spec in waiting:
            if run.state == "queued" and run.id not in announced:
                self._send_position(run, Queued(len(announced), round(self._work_wait_s(ahead), 1)))
                announced.add(run.id)
            ahead += _training_work(run, spec)

    def _send_position(self, run: Run, update: Queued) -> None:
        previous = run.queued
        if (
            previous is None
            or previous.position != update.position
            or abs(previous.eta_s - update.eta_s) > MIN_ETA_CHANGE_SECONDS
        ):
            run.append(update)

    async def _slot_loop(self) -> None:
        """One slot of the engine: runs one training after another."""
        while True:
            run, spec = await self._queue.get()
            task = asyncio.create_task(self._train(run, spec))
            run.tasks.add(task)
            task.add_done_callback(run.tasks.discard)
            # A cancelled training is a stopped run; a cancelled slot ends its training too.
            try:
                await asyncio.wait({task})
            finally:
                task.cancel()

    async def _train(self, run: Run, spec: TrainingSpec) -> None:
        logging_config.bind_fields(**run.log_fields, arm=spec.arm)
        first: float | None = None
        run.training_assigned(spec)
        try:
            async with aclosing(self._engine.train(spec)) as events:
                async for event in events:
                    if run.started_at is None:
                        self._record_start(run)
                    first = first or monotonic()
                    run.receive(event)
                    self._counters.event_received(event, monotonic() - first)
                    if isinstance(event, ArmEnded) and event.state == "finished":
                        self._update_speed_estimate(
                            (monotonic() - first) / _training_work(run, spec)
                        )
            # When several trainings end at once, the first to get here finishes the run.
            if run.complete and not run.verdict and not run.done:
                run.append(run.experiment.judge(run.measured))
                self._track_finishing(asyncio.create_task(self._finish(run)))
        except TrainingError as error:
            self._fail(run, error)
        except Exception as error:  # a bug: the run must still end
            self._fail(run, error)

    def _track_finishing(self, task: asyncio.Task[None]) -> None:
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    def _record_start(self, run: Run) -> None:
        self._counters.run_started((datetime.now(UTC) - run.created).total_seconds())
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
        self._update_positions()

    async def _finish(self, run: Run) -> None:
        """Saves a run that has its verdict, and only then appends `done`."""
        try:
            done = Done("finished", round(run.elapsed_s, 3))
            # The digest is cached here, in a thread: for ten seeds it takes 50 ms.
            await asyncio.to_thread(run.measured.digest)
            await self._history.save(run, done)
            self._end(run, done)
        except Exception as error:
            self._fail(run, error)

    def _fail(self, run: Run, error: Exception) -> None:
        if run.done:  # when two workers are lost at once, the first failure is reported
            return
        reference = secrets.token_hex(4)
        code: FailureCode = error.code if isinstance(error, TrainingError) else "internal"
        about = {**run.log_fields, "reference": reference, "code": code}
        if isinstance(error, TrainingFailed):
            log.error("run failed", extra={**about, "traceback": error.details})
        elif isinstance(error, TrainingError):
            log.error("run failed: %s", error, extra=about)
        else:
            log.error("run failed", exc_info=error, extra=about)
        elapsed = round(run.elapsed_s, 3)
        self._end(run, Done("failed", elapsed, code, FAILURE_MESSAGES[code], reference))

    def _stop(self, run: Run) -> None:
        self._end(run, Done("stopped", round(run.elapsed_s, 3)))

    def _end(self, run: Run, done: Done) -> None:
        """Ends a run with `done`. Every run ends here; a second call changes nothing."""
        if run.done:
            return
        run.release_held(everything=True)
        run.append(done)
        self._counters.run_ended(done)
        log.info("run ended: %s", done.state, extra=run.log_fields)
        for task in run.tasks - {asyncio.current_task()}:
            task.cancel()
        self._queue.remove_if(lambda waiting: waiting[0] is run)
        del self._live[run.id]
        self._history.add(run)
        self._update_positions()

    def _update_speed_estimate(self, seconds_per_step: float) -> None:
        self._seconds_per_step += SMOOTHING * (seconds_per_step - self._seconds_per_step)

    async def _maintenance_loop(self) -> None:
        next_try = monotonic() + RETRY_SECONDS
        while True:
            await asyncio.sleep(MAINTENANCE_SECONDS)
            self.maintain()
            if monotonic() > next_try:
                await self._history.retry_unsaved()
                next_try = monotonic() + RETRY_SECONDS


def _training_work(run: Run, spec: TrainingSpec) -> float:
    """The work of one training, with all trainings batched with it."""
    return run.request.work * len(spec.members)


def _is_identical(run: Run, experiment: Experiment, request: RunRequest) -> bool:
    return run.experiment is experiment and run.request.same_as(request)
