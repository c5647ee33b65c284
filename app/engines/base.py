"""The interface of all engines."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Protocol

from app.events import TrainingEvent
from app.experiments.definition import SideBySide, TrainingSpec
from app.measurements import Provenance


@dataclass(frozen=True, slots=True)
class Health:
    """The state of an engine: its number of slots and how many of them are warm.

    `problem` says in one line why no slot can become warm. `starting` says why a start is slow, or
    that it failed and is retried; trainings wait meanwhile. `restarts` counts the processes that
    ended and were replaced.
    """

    slots: int
    warm: int
    problem: str | None = None
    starting: str | None = field(default=None, compare=False)
    restarts: int = field(default=0, compare=False)  # a counter, no part of the state


def side_by_side_on(device: str) -> SideBySide:
    """How the trainings of a run share a slot: batched on a GPU, in turn on a CPU."""
    return "batched" if device == "cuda" else "in_turn"


def time_limit_s(spec: TrainingSpec, deadline_seconds: float) -> float:
    """The time limit of a training with all its members; trainings in turn have one limit each."""
    return deadline_seconds * (1 if spec.batched else len(spec.members))


class Engine(Protocol):
    """Runs up to `slots` trainings at a time."""

    slots: int
    side_by_side: SideBySide  # how the trainings of one run share a slot
    provenance: Provenance | None  # None until a first slot is warm

    async def start(self) -> None:
        """Starts warming up in the background."""

    async def warm(self) -> None:
        """Waits until a slot is warm. Raises CannotTrain if no slot can become warm."""

    def health(self) -> Health:
        """The engine's state."""
        ...

    def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        """Waits for a free slot, trains, and yields the events of the training and its members.

        Closing the generator, or cancelling the task that iterates it, stops the training and
        frees its slot. Raises WorkerLost, DeadlineExceeded, MemoryExceeded or TrainingFailed
        after all earlier events, and CannotTrain if the engine can't train at all.
        """
        ...

    async def close(self) -> None:
        """Stops all trainings and ends all processes."""
