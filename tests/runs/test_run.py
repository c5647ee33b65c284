import pytest

from app.runs.run import Run
from app.runs.scheduler import RunScheduler
from app.settings import Settings
from tests.support.fakes import FAKE, FakeEngine, new_run


def test_ids_can_not_be_guessed() -> None:
    request = FAKE.parse({})
    made = {Run(FAKE, request, "me").id for _ in range(50)}
    assert len(made) == 50
    assert all(len(run_id) >= 16 for run_id in made)


@pytest.mark.anyio
async def test_ids_begin_with_the_name_of_the_server_that_holds_the_run() -> None:
    engine = FakeEngine()
    runs = RunScheduler(engine, Settings(node="a7"))
    await runs.start()
    assert new_run(runs).id.startswith("a7-")
    await runs.close()
