"""A fake engine and experiment: the test decides which events a training emits, and when."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import count

import anyio

from app.engines.base import Health
from app.events import ArmEnded, ArmState, Points, TrainingEvent
from app.experiments.catalogue.learning_rates import LearningRates
from app.experiments.claims import Claim
from app.experiments.definition import Arm, Experiment, SideBySide, TrainingSpec
from app.experiments.metrics import ACCURACY
from app.measurements import Provenance
from app.runs.run import Run
from app.runs.scheduler import RunScheduler
from app.settings import Settings
from tests.support.processes import TIMEOUT
from tests.support.sse import SseEvent, parse_events

PROVENANCE = Provenance(device="abacus", hardware="Wood", versions={"beads": "1.0"})


class FakeTraining:
    """A started training that emits the events that the test puts into `outputs`."""

    def __init__(self, spec: TrainingSpec) -> None:
        self.spec = spec
        self.outputs: asyncio.Queue[TrainingEvent | Exception | None] = asyncio.Queue()

    def emit_point(self, step: int = 0, accuracy: float = 0.5) -> None:
        """Emits one point."""
        values = {"test_accuracy": [accuracy]}
        self.outputs.put_nowait(Points(self.spec.arm, self.spec.seed, [step], values))

    def end(self, accuracy: float = 0.5, state: ArmState = "finished") -> None:
        """Emits the last point and the end of this training and of those batched with it."""
        summary = {"test_accuracy": accuracy}
        for spec in self.spec.members:
            values = {"test_accuracy": [accuracy]}
            self.outputs.put_nowait(Points(spec.arm, spec.seed, [spec.steps], values))
            self.outputs.put_nowait(ArmEnded(spec.arm, spec.seed, state, summary))
        self.outputs.put_nowait(None)

    def fail(self, error: Exception) -> None:
        """Makes the engine raise `error`."""
        self.outputs.put_nowait(error)


class FakeEngine:
    """An engine whose started trainings are handed to the test by `next_training`."""

    def __init__(self, slots: int = 1) -> None:
        self.slots = slots
        self.side_by_side: SideBySide = "alone"
        self.provenance: Provenance | None = PROVENANCE
        self.problem: str | None = None
        self.in_use = 0
        self.closed = False
        self._started: asyncio.Queue[FakeTraining] = asyncio.Queue()

    async def start(self) -> None:
        pass

    async def warm(self) -> None:
        pass

    def health(self) -> Health:
        return Health(self.slots, self.slots, self.problem)

    async def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        training = FakeTraining(spec)
        self.in_use += 1
        assert self.in_use <= self.slots, "more trainings at a time than slots"
        self._started.put_nowait(training)
        try:
            while (output := await training.outputs.get()) is not None:
                if isinstance(output, Exception):
                    raise output
                yield output
            await asyncio.sleep(0)  # a real worker, too, becomes free only after its last event
        finally:
            self.in_use -= 1

    async def close(self) -> None:
        assert self.in_use == 0, "closed while something trains"
        self.closed = True

    async def next_training(self) -> FakeTraining:
        """Waits for the next training that gets a slot, and returns it."""
        with anyio.fail_after(TIMEOUT):
            return await self._started.get()

    def started_trainings(self) -> list[FakeTraining]:
        """Returns the started trainings that `next_training` has not returned yet."""
        return [self._started.get_nowait() for _ in range(self._started.qsize())]

    async def finish_trainings(self, trainings: int, accuracy: float = 0.9) -> None:
        """Waits for this many trainings to start, one after another, and ends each."""
        for _ in range(trainings):
            (await self.next_training()).end(accuracy)


ARMS = ("a", "b")
# Default seeds start at 1000, so that tests can choose smaller ones.
SEEDS = count(1_000)

FAKE = Experiment(
    slug="toy",
    title="A toy",
    claim="It ends above a half.",
    arms=tuple(Arm(name, name.upper(), "none", 0.1) for name in ARMS),
    metrics=(ACCURACY,),
    request=LearningRates,
    claims=(
        Claim(
            id="above-a-half",
            statement="It ends above a half.",
            arm="a",
            metric="test_accuracy",
            relation="at_least",
            bound=0.5,
            share=1.0,
            if_held="It ended at {value:.0%}.",
            if_broken="It failed, at {value:.0%}.",
            over_seeds="{held} of {seeds}.",
        ),
    ),
)


@asynccontextmanager
async def fake_runs(
    slots: int = 1, **settings: float | str
) -> AsyncGenerator[tuple[RunScheduler, FakeEngine]]:
    """Runs on a fake engine, by default with limits that reject no run."""
    engine = FakeEngine(slots)
    runs = RunScheduler(
        engine,
        Settings.model_validate({"queue_seconds": 3600, "runs_per_reader": 100, **settings}),
    )
    await runs.start()
    try:
        yield runs, engine
    finally:
        with anyio.fail_after(TIMEOUT):
            await runs.close()


def new_run(
    runs: RunScheduler,
    reader: str = "me",
    *,
    key: str | None = None,
    experiment: Experiment = FAKE,
    **values: int,
) -> Run:
    """Creates a run of two short trainings with a new seed, unless `values` says otherwise."""
    request = experiment.parse({"seed": next(SEEDS), "steps": 10, **values})
    return runs.create(experiment, request, reader, key)


def events_of(run: Run) -> list[SseEvent]:
    """Returns the run's events so far."""
    return parse_events(run.log.read_after(0))


async def wait_for(run: Run, name: str) -> list[SseEvent]:
    """Waits for an event of that name and returns the run's events so far."""
    with anyio.fail_after(TIMEOUT):
        while not any(event.name == name for event in events_of(run)):
            assert not run.log.closed, f"the run ended without {name!r}"
            await run.log.wait_after(len(run.log))
    return events_of(run)


async def wait_end(run: Run) -> list[SseEvent]:
    """Waits for the run's end and returns all its events."""
    with anyio.fail_after(TIMEOUT):
        while not run.log.closed:
            await run.log.wait_after(len(run.log))
    return events_of(run)
