"""Any order of asking, stopping, progress and failure: each run ends once, no slot is lost.

Row 18 of the failures that the server must survive, and more.
"""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from typing import TypeVar

import anyio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from app.errors import Busy, DeadlineExceeded, NotRunOwner, TrainingFailed, WorkerLost
from app.runs.run import Run
from app.runs.scheduler import UNWATCHED_SECONDS
from tests.support.fakes import FakeTraining, events_of, fake_runs, new_run, wait_end
from tests.support.sse import event_ids, event_names

T = TypeVar("T")

SLOTS = 2
READERS = st.sampled_from("xyz")
ERRORS = (WorkerLost("gone"), DeadlineExceeded("late"), TrainingFailed("a traceback"), ValueError())
ANY = st.integers(min_value=0, max_value=10**6)


class RunsLife(RuleBasedStateMachine):
    """Readers, an engine with two slots, and what came of it all."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.left_open = AsyncExitStack()
        toys = fake_runs(SLOTS, runs_per_reader=4)
        self.runs, self.engine = self.do(self.left_open.enter_async_context(toys))
        self.made: dict[str, Run] = {}
        self.training: list[FakeTraining] = []
        self.seen: dict[str, int] = {}  # how long each log was when it was last looked at

    def do(self, awaitable: Awaitable[T]) -> T:
        async def run() -> T:
            return await awaitable

        return self.loop.run(run())

    def any_run(self, number: int) -> Run:
        return list(self.made.values())[number % len(self.made)]

    def any_training(self, number: int, *, ends: bool = False) -> FakeTraining:
        index = number % len(self.training)
        return self.training.pop(index) if ends else self.training[index]

    @rule(turns=st.integers(min_value=1, max_value=6))
    def time_goes_by(self, turns: int) -> None:
        async def some_turns() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)

        self.do(some_turns())
        self.training += self.engine.started_trainings()

    @rule(reader=READERS, seed=st.integers(0, 5), seeds=st.integers(1, 2), key=st.booleans())
    def ask(self, reader: str, seed: int, seeds: int, key: bool) -> None:
        async def asked() -> Run:
            return new_run(
                self.runs, reader, seed=seed, seeds=seeds, key=f"{seed} {seeds}" if key else None
            )

        try:
            run = self.do(asked())
        except Busy:
            assert sum(reader in run.owners and not run.done for run in self.made.values()) >= 4
        else:
            self.made[run.id] = run

    @precondition(lambda self: self.made)
    @rule(number=ANY, reader=READERS)
    def stop(self, number: int, reader: str) -> None:
        run = self.any_run(number)

        async def stopped() -> None:
            others = [asker for asker in run.owners if asker != reader]
            lives = not run.done
            try:
                self.runs.stop(run, reader)
            except NotRunOwner:
                assert reader not in run.owners
                return
            assert run.state_for(reader) != "running" or run.complete
            assert not (lives and others and run.done), "stopped under somebody else's eyes"

        self.do(stopped())

    @precondition(lambda self: self.made)
    @rule(number=ANY)
    def nobody_looks(self, number: int) -> None:
        run = self.any_run(number)

        async def tidied() -> None:
            waits = run.state == "queued"
            run.last_viewed_at -= UNWATCHED_SECONDS + 1
            self.runs.maintain()
            assert not waits or run.state == "stopped"

        self.do(tidied())

    @precondition(lambda self: self.training)
    @rule(number=ANY, step=st.integers(0, 9))
    def progress(self, number: int, step: int) -> None:
        self.any_training(number).emit_point(step)

    @precondition(lambda self: self.training)
    @rule(number=ANY, diverges=st.booleans())
    def end(self, number: int, diverges: bool) -> None:
        self.any_training(number, ends=True).end(0.7, "diverged" if diverges else "finished")

    @precondition(lambda self: self.training)
    @rule(number=ANY, error=st.sampled_from(ERRORS))
    def fail(self, number: int, error: Exception) -> None:
        self.any_training(number, ends=True).fail(error)

    @invariant()
    def nothing_is_told_twice_or_after_the_end(self) -> None:
        assert self.engine.in_use <= SLOTS
        for run in self.made.values():
            if self.seen.get(run.id) == len(run.log):
                continue
            self.seen[run.id] = len(run.log)
            events = events_of(run)
            assert event_ids(events) == list(range(1, len(events) + 1))
            assert event_names(events).count("started") <= 1
            assert event_names(events).count("verdict") <= 1
            assert event_names(events).count("done") == (1 if run.done else 0)
            assert "done" not in event_names(events)[:-1]

    def teardown(self) -> None:
        async def settled() -> None:
            self.runs.stop_all()
            for run in self.made.values():
                events = await wait_end(run)
                assert ("verdict" in event_names(events)) == (run.state == "finished")
                assert events[-1].data["state"] == run.state
            await anyio.wait_all_tasks_blocked()
            assert self.engine.in_use == 0

            # Both slots take trainings again.
            self.engine.started_trainings()
            after = new_run(self.runs, "later")
            for training in [await self.engine.next_training() for _ in range(SLOTS)]:
                training.end()
            assert (await wait_end(after))[-1].data["state"] == "finished"

        self.do(asyncio.wait_for(settled(), 10))
        self.do(self.left_open.aclose())
        self.loop.close()


TestRunsLife = RunsLife.TestCase
TestRunsLife.settings = settings(
    max_examples=40, stateful_step_count=50, deadline=None, derandomize=True, database=None
)
