"""Trainings in this process, one at a time, in a thread: for tests and debugging."""

import asyncio
import traceback
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING

from app.engines.base import Health, allowed_seconds, sharing
from app.errors import DeadlineExceeded, TrainingError, TrainingFailed
from app.events import TrainingEvent
from app.experiments.definition import TrainingSpec
from app.measurements import Provenance
from app.settings import Settings

if TYPE_CHECKING:
    from app.training.trainer import Trainer


class InlineEngine:
    """One slot. A training is stopped between two of its events."""

    slots = 1

    def __init__(self, settings: Settings) -> None:
        self.side_by_side = sharing(settings.device)
        self.provenance: Provenance | None = None
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="training")
        self._turn = asyncio.Lock()
        self._trainer: asyncio.Future[Trainer]

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._trainer = loop.run_in_executor(self._thread, _prepare, self._settings)

    async def warm(self) -> None:
        self.provenance = (await asyncio.shield(self._trainer)).provenance

    def health(self) -> Health:
        if not self._trainer.done():
            return Health(self.slots, warm=0)
        problem = self._trainer.exception()
        return Health(self.slots, 0, str(problem)) if problem else Health(self.slots, 1)

    async def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        async with self._turn:
            await self.warm()
            events = self._trainer.result().train(spec)
            allowed = allowed_seconds(spec, self._settings.deadline_seconds)
            deadline = monotonic() + allowed
            loop = asyncio.get_running_loop()
            while event := await loop.run_in_executor(self._thread, _next, events):
                yield event
                if monotonic() > deadline:
                    raise DeadlineExceeded("the training took longer than it may")

    async def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)


def _prepare(settings: Settings) -> "Trainer":
    from app.training.trainer import prepare

    return prepare(settings.data_dir, settings.cache_dir, settings.device)


def _next(events: Iterator[TrainingEvent]) -> TrainingEvent | None:
    try:
        return next(events, None)
    except TrainingError:
        raise
    except Exception:
        raise TrainingFailed(traceback.format_exc()) from None
