"""Any order of create, stop, progress and failure: each run ends once, and no slot is lost."""

import random

import anyio
import pytest

from app.errors import Busy, DeadlineExceeded, TrainingFailed, WorkerLost
from app.runs import Run, Runs
from tests.toys import ToyEngine, ToyTraining, create, end_of, heard, serving_toys
from tests.wire import ids, names

pytestmark = pytest.mark.anyio

READERS = ("x", "y", "z")
ERRORS = (WorkerLost("gone"), DeadlineExceeded("late"), TrainingFailed("a traceback"), ValueError())


class Player:
    """Makes one random move after another, and keeps what came of it."""

    def __init__(self, runs: Runs, engine: ToyEngine, seed: int) -> None:
        self.runs = runs
        self.engine = engine
        self.made: list[Run] = []
        self._random = random.Random(seed)
        self._training: list[ToyTraining] = []

    async def move(self) -> None:
        """One move, and a random number of turns of the event loop for it to take effect."""
        self._training += self.engine.begun_now()
        moves = [self._create, self._stop, self._progress, self._progress, self._end, self._fail]
        self._random.choice(moves)()
        for _ in range(self._random.randrange(6)):
            await anyio.lowlevel.checkpoint()

    def _create(self) -> None:
        try:
            self.made.append(
                create(self.runs, self._random.choice(READERS), seeds=self._random.choice((1, 2)))
            )
        except Busy:
            assert sum(not run.done for run in self.made) >= 4

    def _stop(self) -> None:
        if self.made:
            run = self._random.choice(self.made)
            self.runs.stop(run.id, run.reader)

    def _progress(self) -> None:
        if self._training:
            self._random.choice(self._training).point(step=self._random.randrange(10))

    def _end(self) -> None:
        if self._training:
            training = self._random.choice(self._training)
            self._training.remove(training)
            training.end(self._random.random(), self._random.choice(("finished", "diverged")))

    def _fail(self) -> None:
        if self._training and self._random.random() < 0.3:
            training = self._random.choice(self._training)
            self._training.remove(training)
            training.fail(self._random.choice(ERRORS))


@pytest.mark.parametrize("seed", range(12))
async def test_every_run_is_done_exactly_once_and_every_slot_comes_back(seed: int) -> None:
    async with serving_toys(slots=2, runs_per_reader=4) as (runs, engine):
        player = Player(runs, engine, seed)
        for _ in range(400):
            await player.move()
        runs.stop_all()
        await anyio.wait_all_tasks_blocked()
        assert engine.in_use == 0
        assert {run.state for run in player.made} == {"finished", "stopped", "failed"}
        for run in player.made:
            events = heard(run)
            assert ids(events) == list(range(1, len(events) + 1))
            assert names(events).count("done") == 1
            assert names(events)[-1] == "done"
            assert names(events).count("started") <= 1
            assert ("verdict" in names(events)) == (run.state == "finished")
            assert events[-1].data["state"] == run.state

        engine.begun_now()
        after = [create(runs, "later"), create(runs, "later")]
        both = [await engine.begun(), await engine.begun()]  # both slots take trainings again
        for training in both:
            training.end()
        await engine.finish(2)
        for run in after:
            assert (await end_of(run))[-1].data["state"] == "finished"
