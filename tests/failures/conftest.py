"""A server whose workers may be killed, and what the tests of the web layer have."""

from collections.abc import Iterator

import pytest

from tests.conftest import finished, new_reader, reader
from tests.failures.watching import DEADLINE_SECONDS, WORKER_MEMORY_MB
from tests.support.processes import Server, serving

__all__ = ["finished", "mortal", "new_reader", "reader"]


@pytest.fixture(scope="session")
def mortal(
    server_defaults: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A warm server whose workers these tests end, and whose experiments go wrong."""
    log = tmp_path_factory.mktemp("mortal") / "log"
    settings = {
        **server_defaults,
        "deadline_seconds": DEADLINE_SECONDS,
        "worker_memory_mb": WORKER_MEMORY_MB,
    }
    with serving(log, settings, "tests.failures.faulty") as running:
        running.wait_until_ready()
        yield running
