"""Engines over the session's data."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import anyio
import pytest

from app.engines.cluster import ClusterMembership
from app.engines.registry import ENGINES
from app.experiments.definition import TrainingSpec
from app.settings import Settings
from tests.support.processes import TIMEOUT

MakeSettings: TypeAlias = Callable[..., Settings]

# The longest that a training may take here: dozens of times what a small one takes, and
# a test of the deadline waits as long.
DEADLINE_SECONDS = 2


@pytest.fixture(scope="package")
def engine_settings(cache_dir: Path) -> MakeSettings:
    def make(**values: object) -> Settings:
        defaults: dict[str, object] = {
            "cache_dir": cache_dir,
            "device": "cpu",
            "workers": 1,
            "deadline_seconds": DEADLINE_SECONDS,
        }
        return Settings.model_validate({**defaults, **values})

    return make


@pytest.fixture(scope="session")
def small(specs: dict[str, TrainingSpec]) -> TrainingSpec:
    """A training of moments."""
    return specs["bn@0.1"]


@pytest.fixture(scope="session")
def endless(small: TrainingSpec) -> TrainingSpec:
    """A training that no test lives to see the end of."""
    return replace(small, steps=10**9)


@pytest.fixture(scope="session")
async def local_ray(anyio_backend: object) -> AsyncGenerator[None, None]:
    """One Ray for all tests of a session: its start takes seconds, and 700 MB."""
    membership = ClusterMembership(Settings(workers=1))
    with anyio.fail_after(2 * TIMEOUT):
        await membership.join()
    yield
    await membership.leave()


# Ray takes as long to start as all other tests here to run.
LONG = {"ray": pytest.mark.long}


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=LONG.get(name, ())) for name in ENGINES],
)
def engine_name(request: pytest.FixtureRequest) -> str:
    """Each engine in turn, with what it needs."""
    name: str = request.param
    if name == "ray":
        request.getfixturevalue("local_ray")
    return name
