"""An engine that trains in a thread of this process, for tests and debugging."""

import asyncio
import traceback
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING

from app.engines.base import Health, side_by_side_on, time_limit_s
from app.errors import DeadlineExceeded, TrainingError, TrainingFailed
from app.events import TrainingEvent
from app.experiments.definition import TrainingSpec
from app.measurements import Provenance
from app.settings import Settings

if TYPE_CHECKING:
    from app.training.trainer import Trainer


class InlineEngine:
    """An engine with one slot. A training can be stopped between two events."""

    slots = 1

    def __init__(self, settings: Settings) -> None:
        self.side_by_side = side_by_side_on(settings.device)
        self.provenance: Provenance | None = None
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="training")
        self._lock = asyncio.Lock()
        self._trainer: asyncio.Future[Trainer]

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._trainer = loop.run_in_executor(self._thread, _prepare_trainer, self._settings)

    async def warm(self) -> None:
        self.provenance = (await asyncio.shield(self._trainer)).provenance

    def health(self) -> Health:
        if not self._trainer.done():
            return Health(self.slots, warm=0)
        problem = self._trainer.exception()
        return Health(self.slots, 0, str(problem)) if problem else Health(self.slots, 1)

    async def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        async with self._lock:
            await self.warm()
            events = self._trainer.result().train(spec)
            limit = time_limit_s(spec, self._settings.deadline_seconds)
            deadline = monotonic() + limit
            loop = asyncio.get_running_loop()
            while event := await loop.run_in_executor(self._thread, _next_event, events):
                yield event
                if monotonic() > deadline:
                    raise DeadlineExceeded("the training exceeded its time limit")

    async def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)


def _prepare_trainer(settings: Settings) -> "Trainer":
    from app.training.trainer import prepare

    return prepare(settings.data_dir, settings.cache_dir, settings.device)


def _next_event(events: Iterator[TrainingEvent]) -> TrainingEvent | None:
    try:
        return next(events, None)
    except TrainingError:
        raise
    except Exception:
        raise TrainingFailed(traceback.format_exc()) from None
