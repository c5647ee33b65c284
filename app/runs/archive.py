"""Finished runs, kept in the store: permalinks, receipts and numbers outlive the server."""

import json
import logging
import math
import sqlite3
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from app.errors import InvalidRequest, UnknownExperiment
from app.events import Done, encode
from app.experiments import find
from app.measurements import Provenance
from app.runs.run import Run
from app.store import Line, Store

log = logging.getLogger(__name__)

WHAT = "Finished runs"
# SQLite has one writer; a run is read in 10 to 50 ms.
READERS, WRITERS, MAX_WAITING = 2, 1, 100


@dataclass(frozen=True, slots=True)
class Record:
    """A finished run as it is kept: whole, or not at all."""

    id: str
    slug: str
    created: datetime
    request: dict[str, object]
    provenance: Provenance | None
    log: Sequence[bytes]

    @classmethod
    def of(cls, run: Run, done: Done) -> "Record":
        """Of a run that has but `done` to say."""
        last = encode(done, len(run.log) + 1)
        request = run.request.model_dump()
        return cls(
            run.id,
            run.experiment.slug,
            run.created,
            request,
            run.provenance,
            [*run.log.entries, last],
        )

    def restored(self) -> Run | None:
        """The run; None if no figure of this version could have made it."""
        try:
            experiment = find(self.slug)
            request = experiment.parse(self.request)
        except (UnknownExperiment, InvalidRequest):
            return None
        run = Run(experiment, request)
        run.id, run.created, run.provenance = self.id, self.created, self.provenance
        run.replay(self.log)
        run.ended_at = -math.inf  # not just now: nobody who asks for the same is given this one
        return run


class Archive:
    """The runs in a store, at most `max_bytes` of them: the oldest make room for the newest."""

    def __init__(self, store: Store, max_bytes: int) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._readers = Line(READERS, MAX_WAITING, WHAT)
        self._writers = Line(WRITERS, MAX_WAITING, WHAT)

    @property
    def problem(self) -> str | None:
        """What was wrong with the store when it was last used."""
        return self._store.problem

    async def save(self, record: Record) -> None:
        """Returns when the run is on the disk; once more does no harm. Raises StoreUnavailable."""
        await self._writers.run(lambda: self._save(record))

    async def load(self, run_id: str) -> Run | None:
        """The run of that id, if it is kept. Raises StoreUnavailable."""
        return await self._readers.run(lambda: self._load(run_id))

    def _save(self, record: Record) -> None:
        blob = zlib.compress(b"".join(record.log))
        provenance = asdict(record.provenance) if record.provenance else None
        with self._store.writing(WHAT) as connection:
            connection.execute(
                "INSERT INTO runs (id, created, slug, request, provenance, bytes, log) "
                "SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM runs WHERE id = ?)",
                [
                    record.id,
                    record.created.isoformat(),
                    record.slug,
                    json.dumps(record.request),
                    json.dumps(provenance),
                    len(blob),
                    blob,
                    record.id,
                ],
            )
            self._make_room(connection)

    def _make_room(self, connection: sqlite3.Connection) -> None:
        """Removes the oldest runs, so that the newest that are left are within the bound."""
        kept = 0
        for number, size in connection.execute(
            "SELECT number, bytes FROM runs ORDER BY number DESC"
        ):
            kept += size
            if kept > self._max_bytes:
                connection.execute("DELETE FROM runs WHERE number <= ?", [number])
                return

    def _load(self, run_id: str) -> Run | None:
        with self._store.reading(WHAT) as connection:
            row = connection.execute(
                "SELECT slug, created, request, provenance, log FROM runs WHERE id = ?", [run_id]
            ).fetchone()
        if row is None:
            return None
        slug, created, request, provenance, blob = row
        provenance = json.loads(provenance)
        record = Record(
            run_id,
            slug,
            datetime.fromisoformat(created),
            json.loads(request),
            Provenance(**provenance) if provenance else None,
            [entry + b"\n\n" for entry in zlib.decompress(blob).split(b"\n\n")[:-1]],
        )
        run = record.restored()
        if run is not None:
            run.measured.digest()  # here, in a thread, and not where all readers wait
        return run
