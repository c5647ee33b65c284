"""Runs that have ended: the latest in memory, and all finished ones in the archive."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress

from app.errors import StoreUnavailable
from app.events import Done
from app.runs.archive import Archive, ArchivedRun
from app.runs.run import Run

log = logging.getLogger(__name__)

# Bounds of the cache in memory: the number of runs and the size of their encoded events. In memory
# the decoded events take about five times that size.
MAX_CACHED_RUNS, MAX_CACHED_BYTES = 100, 4_000_000
# The most finished runs that wait in memory while the store can't be written.
MAX_UNSAVED = 200


class RunHistory:
    """Keeps runs that have ended, and finds them again in memory or in the archive."""

    def __init__(self, archive: Archive | None) -> None:
        self._archive = archive
        self._runs: dict[str, Run] = {}  # by id, the oldest first
        self._unsaved: dict[str, ArchivedRun] = {}
        self._loading: dict[str, asyncio.Task[Run | None]] = {}

    def __iter__(self) -> Iterator[Run]:
        """The runs in memory, the newest first."""
        return reversed(self._runs.values())

    async def save(self, run: Run, done: Done) -> None:
        """Saves a run whose log lacks only `done`; if the store fails, keeps it for a retry."""
        if self._archive is None:
            return
        self._unsaved[run.id] = ArchivedRun.from_run(run, done)
        if not self._archive.problem:  # otherwise the run would wait for a write that fails
            await self._try_save(self._archive, run.id)

    async def retry_unsaved(self) -> None:
        """Retries the runs that could not be saved, up to the first failure."""
        if self._archive is None:
            return
        for run_id in list(self._unsaved):
            if not await self._try_save(self._archive, run_id):
                return

    def add(self, run: Run) -> None:
        """Adds an ended run to memory, and evicts the oldest runs beyond the bounds."""
        self._runs[run.id] = run
        excess = sum(other.log.size_bytes for other in self._runs.values()) - MAX_CACHED_BYTES
        for other in list(self._runs.values()):
            if excess <= 0 and len(self._runs) <= MAX_CACHED_RUNS:
                break
            excess -= other.log.size_bytes
            del self._runs[other.id]

    async def find(self, run_id: str) -> Run | None:
        """The run with this id, or None. Concurrent requests for one run share one disk read.

        Raises StoreUnavailable.
        """
        if run_id in self._runs:
            return self._runs[run_id]
        if run_id not in self._loading:
            self._loading[run_id] = asyncio.create_task(self._load(run_id))
        return await asyncio.shield(self._loading[run_id])

    async def _load(self, run_id: str) -> Run | None:
        try:
            if unsaved := self._unsaved.get(run_id):
                run = unsaved.restore()
            else:
                run = await self._archive.load(run_id) if self._archive else None
            if run:
                self.add(run)
            return run
        finally:
            del self._loading[run_id]

    async def _try_save(self, archive: Archive, run_id: str) -> bool:
        """Tries to save a run and returns whether it is on disk now. The store logs its errors."""
        record = self._unsaved.get(run_id)
        if record is None:  # a concurrent call has saved it in the meantime
            return True
        with suppress(StoreUnavailable):
            await archive.save(record)
            self._unsaved.pop(run_id, None)
            return True
        while len(self._unsaved) > MAX_UNSAVED:
            lost = next(iter(self._unsaved))
            del self._unsaved[lost]
            log.error("run %s is lost: the store was unavailable for too long", lost)
        return False
