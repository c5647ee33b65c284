"""Runs that have ended: the last ones in memory, those that finished in the archive, too."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import suppress

from app.errors import StoreUnavailable
from app.events import Done
from app.runs.archive import Archive, Record
from app.runs.run import Run

log = logging.getLogger(__name__)

# What is kept in memory: so many runs and so many bytes of their events, as on the wire (as
# objects they take some five times as much).
KEPT_RUNS, KEPT_BYTES = 100, 4_000_000
# Finished runs that wait for a store that can't be written.
MAX_UNSAVED = 200


class Ended:
    """Opens an ended run again, from wherever it is."""

    def __init__(self, archive: Archive | None) -> None:
        self._archive = archive
        self._runs: dict[str, Run] = {}  # the oldest first
        self._unsaved: dict[str, Record] = {}
        self._loading: dict[str, asyncio.Task[Run | None]] = {}

    def __iter__(self) -> Iterator[Run]:
        """Those in memory, the newest first."""
        return reversed(self._runs.values())

    async def save(self, run: Run, done: Done) -> None:
        """Puts a run that has but `done` to say on the disk, or keeps it for a later try."""
        if self._archive is None:
            return
        self._unsaved[run.id] = Record.of(run, done)
        if not self._archive.problem:  # else nobody waits for what won't succeed
            await self._try(self._archive, run.id)

    async def save_late(self) -> None:
        """Tries once more with what could not be saved, up to the first failure."""
        if self._archive is None:
            return
        for run_id in list(self._unsaved):
            if not await self._try(self._archive, run_id):
                return

    def add(self, run: Run) -> None:
        """Takes an ended run. The oldest leave the memory for it."""
        self._runs[run.id] = run
        excess = sum(other.log.size for other in self._runs.values()) - KEPT_BYTES
        for other in list(self._runs.values()):
            if excess <= 0 and len(self._runs) <= KEPT_RUNS:
                break
            excess -= other.log.size
            del self._runs[other.id]

    async def find(self, run_id: str) -> Run | None:
        """Raises StoreUnavailable. Many readers of one run cost one look at the disk."""
        if run_id in self._runs:
            return self._runs[run_id]
        if run_id not in self._loading:
            self._loading[run_id] = asyncio.create_task(self._load(run_id))
        return await asyncio.shield(self._loading[run_id])

    async def _load(self, run_id: str) -> Run | None:
        try:
            if unsaved := self._unsaved.get(run_id):
                run = unsaved.restored()
            else:
                run = await self._archive.load(run_id) if self._archive else None
            if run:
                self.add(run)
            return run
        finally:
            del self._loading[run_id]

    async def _try(self, archive: Archive, run_id: str) -> bool:
        """Whether it is on the disk now. The store logs what is wrong with it, once."""
        record = self._unsaved.get(run_id)
        if record is None:  # whoever was at it already has done it meanwhile
            return True
        with suppress(StoreUnavailable):
            await archive.save(record)
            self._unsaved.pop(run_id, None)
            return True
        while len(self._unsaved) > MAX_UNSAVED:
            lost = next(iter(self._unsaved))
            del self._unsaved[lost]
            log.error("run %s is lost: the store was out of use for too long", lost)
        return False
