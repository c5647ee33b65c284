import anyio
import pytest

from app import terminal
from app.errors import WorkerLost
from app.measurements import Measurements
from app.reproducibility import claims_table
from app.runs.run import Run
from tests.support.fakes import FAKE, FakeEngine, fake_runs

pytestmark = pytest.mark.anyio


async def test_several_runs_in_turn_are_judged_as_one() -> None:
    """25 seeds in three runs: seed s of the toy's first arm ends at s %."""
    asked = claims_table.parse_survey([FAKE], "30", "25", {"steps": "10"})
    measured = Measurements([arm.id for arm in FAKE.arms])
    sizes = []
    async with fake_runs() as (runs, engine), anyio.create_task_group() as tasks:
        tasks.start_soon(_train_all, engine, 2 * 25)
        async for run in terminal.train_in_sequence(runs, FAKE, asked.requests(FAKE)):
            assert run.state == "finished"
            sizes.append(run.request.seeds)
            measured.merge(run.measured)
    assert sizes == [10, 10, 5]
    assert measured.final_values("a", "test_accuracy") == {
        seed: seed / 100 for seed in range(30, 55)
    }
    (row,) = claims_table.table_rows(FAKE, measured, 25)
    assert "| 25 | 5 of 25 (100% needed) | 7–41% | 0.420 [0.324–0.516] |" in row


async def test_the_runs_behind_one_that_fails_are_not_trained() -> None:
    requests = claims_table.parse_survey([FAKE], "1", "20", {"steps": "10"}).requests(FAKE)
    ended: list[Run] = []
    async with fake_runs() as (runs, engine):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_fail_first, engine)
            ended += [run async for run in terminal.train_in_sequence(runs, FAKE, requests)]
        assert [run.state for run in ended] == ["failed"]
        assert engine.started_trainings() == []


async def _train_all(engine: FakeEngine, trainings: int) -> None:
    for _ in range(trainings):
        training = await engine.next_training()
        training.end(training.spec.seed / 100)


async def _fail_first(engine: FakeEngine) -> None:
    (await engine.next_training()).fail(WorkerLost("its process died"))
