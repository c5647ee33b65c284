"""The archive of finished runs in the store: permalinks and receipts survive a restart."""

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
from app.store import BoundedExecutor, Store

log = logging.getLogger(__name__)

SUBJECT = "Finished runs"
# SQLite allows one writer at a time; reading a run takes 10 to 50 ms.
READER_THREADS, WRITER_THREADS, MAX_WAITING = 2, 1, 100


@dataclass(frozen=True, slots=True)
class ArchivedRun:
    """A finished run as it is stored. It is stored completely or not at all."""

    id: str
    slug: str
    created: datetime
    request: dict[str, object]
    provenance: Provenance | None
    log: Sequence[bytes]

    @classmethod
    def from_run(cls, run: Run, done: Done) -> "ArchivedRun":
        """Builds the record of a run whose log lacks only its last event, `done`."""
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

    def restore(self) -> Run | None:
        """Rebuilds the run. Returns None if this version's experiments don't accept its request."""
        try:
            experiment = find(self.slug)
            request = experiment.parse(self.request)
        except (UnknownExperiment, InvalidRequest):
            return None
        run = Run(experiment, request)
        run.id, run.created, run.provenance = self.id, self.created, self.provenance
        run.replay(self.log)
        run.ended_at = -math.inf  # long ago, so that no new request is answered with this run
        return run


class Archive:
    """The runs in a store. It holds at most `max_bytes` and evicts the oldest runs first."""

    def __init__(self, store: Store, max_bytes: int) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._readers = BoundedExecutor(READER_THREADS, MAX_WAITING, SUBJECT)
        self._writers = BoundedExecutor(WRITER_THREADS, MAX_WAITING, SUBJECT)

    @property
    def problem(self) -> str | None:
        """The store's error at its last use; None if it worked."""
        return self._store.problem

    async def save(self, record: ArchivedRun) -> None:
        """Returns when the run is on disk. Saving twice is harmless. Raises StoreUnavailable."""
        await self._writers.run(lambda: self._save(record))

    async def load(self, run_id: str) -> Run | None:
        """The run with this id; None if it is not in the archive. Raises StoreUnavailable."""
        return await self._readers.run(lambda: self._load(run_id))

    def _save(self, record: ArchivedRun) -> None:
        blob = zlib.compress(b"".join(record.log))
        provenance = asdict(record.provenance) if record.provenance else None
        with self._store.write_transaction(SUBJECT) as connection:
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
            self._evict_oldest(connection)

    def _evict_oldest(self, connection: sqlite3.Connection) -> None:
        """Deletes the oldest runs until the total size is within `max_bytes`."""
        kept = 0
        for number, size in connection.execute(
            "SELECT number, bytes FROM runs ORDER BY number DESC"
        ):
            kept += size
            if kept > self._max_bytes:
                connection.execute("DELETE FROM runs WHERE number <= ?", [number])
                return

    def _load(self, run_id: str) -> Run | None:
        with self._store.read_transaction(SUBJECT) as connection:
            row = connection.execute(
                "SELECT slug, created, request, provenance, log FROM runs WHERE id = ?", [run_id]
            ).fetchone()
        if row is None:
            return None
        slug, created, request, provenance, blob = row
        provenance = json.loads(provenance)
        record = ArchivedRun(
            run_id,
            slug,
            datetime.fromisoformat(created),
            json.loads(request),
            Provenance(**provenance) if provenance else None,
            [entry + b"\n\n" for entry in zlib.decompress(blob).split(b"\n\n")[:-1]],
        )
        run = record.restore()
        if run is not None:
            run.measured.digest()  # computed and cached here, in a thread, not in the event loop
        return run
