"""A toy engine and a toy experiment: nothing is trained, all is said by the test."""

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
from tests.support.processes import PATIENCE
from tests.support.sse import Received, events_in

PROVENANCE = Provenance(device="abacus", hardware="Wood", versions={"beads": "1.0"})


class ToyTraining:
    """One training that began: it says what it is told to, when it is told to."""

    def __init__(self, spec: TrainingSpec) -> None:
        self.spec = spec
        self.said: asyncio.Queue[TrainingEvent | Exception | None] = asyncio.Queue()

    def point(self, step: int = 0, accuracy: float = 0.5) -> None:
        """Says one point."""
        values = {"test_accuracy": [accuracy]}
        self.said.put_nowait(Points(self.spec.arm, self.spec.seed, [step], values))

    def end(self, accuracy: float = 0.5, state: ArmState = "finished") -> None:
        """Says its last point and that it is over, and so for those beside it."""
        summary = {"test_accuracy": accuracy}
        for spec in self.spec.members:
            values = {"test_accuracy": [accuracy]}
            self.said.put_nowait(Points(spec.arm, spec.seed, [spec.steps], values))
            self.said.put_nowait(ArmEnded(spec.arm, spec.seed, state, summary))
        self.said.put_nowait(None)

    def fail(self, error: Exception) -> None:
        """Raises, as an engine does."""
        self.said.put_nowait(error)


class ToyEngine:
    """Hands each training that begins to the test, through `begun`."""

    def __init__(self, slots: int = 1) -> None:
        self.slots = slots
        self.side_by_side: SideBySide = "alone"
        self.provenance: Provenance | None = PROVENANCE
        self.problem: str | None = None
        self.in_use = 0
        self.closed = False
        self._begun: asyncio.Queue[ToyTraining] = asyncio.Queue()

    async def start(self) -> None:
        pass

    async def warm(self) -> None:
        pass

    def health(self) -> Health:
        return Health(self.slots, self.slots, self.problem)

    async def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        training = ToyTraining(spec)
        self.in_use += 1
        assert self.in_use <= self.slots, "more trainings at a time than slots"
        self._begun.put_nowait(training)
        try:
            while (said := await training.said.get()) is not None:
                if isinstance(said, Exception):
                    raise said
                yield said
            await asyncio.sleep(0)  # a worker, too, says that it is free after its last event
        finally:
            self.in_use -= 1

    async def close(self) -> None:
        assert self.in_use == 0, "closed while something trains"
        self.closed = True

    async def begun(self) -> ToyTraining:
        """The next training that has a slot; waits for it."""
        with anyio.fail_after(PATIENCE):
            return await self._begun.get()

    def begun_now(self) -> list[ToyTraining]:
        """The trainings that have a slot and that nobody has fetched yet."""
        return [self._begun.get_nowait() for _ in range(self._begun.qsize())]

    async def finish(self, trainings: int, accuracy: float = 0.9) -> None:
        """Lets that many trainings begin and end, one after the other."""
        for _ in range(trainings):
            (await self.begun()).end(accuracy)


ARMS = ("a", "b")
# From a thousand on, so that a test may have the seeds below.
SEEDS = count(1_000)

TOY = Experiment(
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
async def serving_toys(
    slots: int = 1, **settings: float | str
) -> AsyncGenerator[tuple[RunScheduler, ToyEngine]]:
    """Runs on a toy engine, by default without anybody turned away."""
    engine = ToyEngine(slots)
    runs = RunScheduler(
        engine,
        Settings.model_validate({"queue_seconds": 3600, "runs_per_reader": 100, **settings}),
    )
    await runs.start()
    try:
        yield runs, engine
    finally:
        with anyio.fail_after(PATIENCE):
            await runs.close()


def create(
    runs: RunScheduler,
    reader: str = "me",
    *,
    key: str | None = None,
    experiment: Experiment = TOY,
    **values: int,
) -> Run:
    """A run of two short trainings of a seed of its own, unless `values` say otherwise."""
    request = experiment.parse({"seed": next(SEEDS), "steps": 10, **values})
    return runs.create(experiment, request, reader, key)


def heard(run: Run) -> list[Received]:
    """All that a reader of the run has been told so far."""
    return events_in(run.log.read_after(0))


async def until(run: Run, name: str) -> list[Received]:
    """All events up to and with the first of that name; waits for it."""
    with anyio.fail_after(PATIENCE):
        while not any(event.name == name for event in heard(run)):
            assert not run.log.closed, f"the run ended without {name!r}"
            await run.log.wait_after(len(run.log))
    return heard(run)


async def end_of(run: Run) -> list[Received]:
    """All events of the run; waits for its end."""
    with anyio.fail_after(PATIENCE):
        while not run.log.closed:
            await run.log.wait_after(len(run.log))
    return heard(run)
