"""The one interface behind which a training runs, wherever it runs."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Protocol

from app.events import TrainingEvent
from app.experiments.definition import SideBySide, TrainingSpec
from app.measurements import Provenance


@dataclass(frozen=True, slots=True)
class Health:
    """How many slots are warm; `problem`: why none can be, in one line. `starting`: why a start
    takes long, or failed and is tried again; what is asked for meanwhile waits.

    `restarts`: how often a slot's process ended and was, or is being, replaced.
    """

    slots: int
    warm: int
    problem: str | None = None
    starting: str | None = field(default=None, compare=False)
    restarts: int = field(default=0, compare=False)  # what was, no part of what is


def sharing(device: str) -> SideBySide:
    """How trainings share a slot there: a GPU batches them, a processor takes turns."""
    return "batched" if device == "cuda" else "in_turn"


def allowed_seconds(spec: TrainingSpec, deadline_seconds: float) -> float:
    """How long a training may take with those beside it: trainings in turn have a deadline each."""
    return deadline_seconds * (1 if spec.batched else len(spec.members))


class Engine(Protocol):
    """Runs up to `slots` trainings at a time."""

    slots: int
    side_by_side: SideBySide  # how the trainings of one run share a slot
    provenance: Provenance | None  # None until a first slot is warm

    async def start(self) -> None:
        """Begins to warm up, and returns without waiting for it."""

    async def warm(self) -> None:
        """Returns when a slot is warm; raises Unusable if none can be."""

    def health(self) -> Health:
        """What is warm now."""
        ...

    def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        """The events of a training, and of those beside it, as they come; waits for a free slot
        first.

        Closing the generator, or cancelling the task that iterates it, stops the training and
        frees its slot. Raises WorkerLost, DeadlineExceeded, MemoryExceeded or TrainingFailed,
        after all events that came before; Unusable where nothing can train.
        """
        ...

    async def close(self) -> None:
        """Stops everything that runs, and leaves no process behind."""
