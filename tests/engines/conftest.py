"""Engines over the session's data."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest

from app.experiments.base import TrainingSpec
from app.settings import Settings

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
