"""Row 26: many runs in a row, with random faults, leave nothing behind."""

import asyncio

import pytest

from bench.faults import SETTINGS, soaked, table, tracebacks
from tests.conftest import Serve

# More than the row asks for: memory settles up to the 500th (`bench.faults.STEADY`).
RUNS = 1_000


@pytest.mark.long
def test_row_26_runs_with_random_faults_leave_nothing_behind(serve: Serve) -> None:
    server = serve(**SETTINGS)
    soak = asyncio.run(soaked(server, RUNS))
    said = "\n".join(table(soak))
    assert not soak.problems + tracebacks(server.log), said
    assert soak.after is not None
    assert soak.after.workers == SETTINGS["workers"], said
    assert soak.after.zombies == 0, said
    assert soak.after.descriptors <= soak.before.descriptors, said
    assert soak.after.threads <= soak.before.threads, said
    assert soak.slope() <= 1, said
