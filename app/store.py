"""The store: one SQLite file of finished runs and comments, shared by several processes."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from app.errors import StoreUnavailable

log = logging.getLogger(__name__)

# Longest wait for another writer's lock; transactions take milliseconds.
BUSY_TIMEOUT_SECONDS = 2.0
SCHEMA_VERSION = 2
# All statements work with the oldest SQLite that Python 3.11 supports. Stores that were created
# before 2026-12 have STRICT tables, which need SQLite 3.37.
SCHEMA = (
    """CREATE TABLE IF NOT EXISTS comments (
        id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice
        created INTEGER NOT NULL CHECK (typeof(created) = 'integer'),  -- seconds since 1970, UTC
        reader TEXT NOT NULL,
        name TEXT NOT NULL,
        text TEXT NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS runs (
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the oldest has the least
        id TEXT NOT NULL UNIQUE,
        created TEXT NOT NULL,                     -- ISO 8601, UTC
        slug TEXT NOT NULL,
        request TEXT NOT NULL,                     -- JSON: seed, seeds, parameters
        provenance TEXT NOT NULL,                  -- JSON: device, hardware, versions
        -- of the log, as it is kept
        bytes INTEGER NOT NULL CHECK (typeof(bytes) = 'integer'),
        -- all events as on the wire, zlib
        log BLOB NOT NULL CHECK (typeof(log) = 'blob')
    )""",
    # All sizes without a look at the logs.
    "CREATE INDEX IF NOT EXISTS runs_bytes ON runs (number, bytes)",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)

T = TypeVar("T")


class Store:
    """The store in the file at `path`, which is created on first use.

    The file is opened for each transaction and closed after it. No thread owns a connection, and a
    file that is moved, repaired or restored while the server runs is used at once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None  # SQLite's last error, without the path; None if it works

    @contextmanager
    def read_transaction(self, subject: str) -> Iterator[sqlite3.Connection]:
        """Opens a read transaction. Raises StoreUnavailable, whose message names `subject`."""
        with self._connection(subject) as connection, self._transaction(connection, "DEFERRED"):
            yield connection

    @contextmanager
    def write_transaction(self, subject: str) -> Iterator[sqlite3.Connection]:
        """Opens a write transaction, which excludes other writers and rolls back on an error.

        Raises StoreUnavailable, whose message names `subject`.
        """
        with self._connection(subject) as connection, self._transaction(connection, "IMMEDIATE"):
            yield connection

    def check(self) -> None:
        """Tries to open the file; logs an error and stores it in `problem`."""
        with suppress(StoreUnavailable), self.read_transaction("The store"):
            pass

    @contextmanager
    def _connection(self, subject: str) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with closing(
                sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_SECONDS, isolation_level=None)
            ) as connection:
                self._prepare(connection)
                yield connection
        except sqlite3.Error as error:
            problem = _describe(error)
            self._log_change(problem)
            raise StoreUnavailable(subject, f"can't use {self.path}: {problem}") from None
        except OSError as error:
            problem = error.strerror or type(error).__name__
            self._log_change(problem)
            raise StoreUnavailable(subject, f"can't use {self.path}: {problem}") from None
        self._log_change(None)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise sqlite3.DatabaseError(
                f"its version is {version}, and this program's {SCHEMA_VERSION}"
            )
        if version < SCHEMA_VERSION:
            with self._transaction(connection, "IMMEDIATE"):
                for statement in SCHEMA:
                    connection.execute(statement)
            # In WAL mode, readers and a writer don't block each other. If the file is in use, the
            # mode stays unchanged, which is slower but as safe.
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode = WAL")

    @contextmanager
    def _transaction(self, connection: sqlite3.Connection, kind: str) -> Iterator[None]:
        connection.execute(f"BEGIN {kind}")
        with connection:  # commits, or rolls back when the body raises
            yield

    def _log_change(self, problem: str | None) -> None:
        """Logs one line when the store begins to fail, and one when it works again."""
        if problem == self.problem:
            return
        self.problem = problem
        if problem:
            log.error(
                "the store %s can't be used: %s. BATCHNORM_STORE may name another",
                self.path,
                problem,
            )
        else:
            log.warning("the store %s can be used again", self.path)


def _describe(error: sqlite3.Error) -> str:
    if 'near "strict"' in str(error).lower():
        return (
            "an earlier version of this program made it with STRICT tables, which need SQLite 3.37 "
            f"or later; Python has {sqlite3.sqlite_version} here"
        )
    return str(error)


class BoundedExecutor:
    """Runs store transactions of an event loop in a few threads, with a bounded waiting list.

    SQLite allows one writer. If the file is locked, each waiting writer delays the next by 2 s.
    """

    def __init__(self, threads: int, max_waiting: int, subject: str) -> None:
        self._limiter = CapacityLimiter(threads)
        self._free_places = threads + max_waiting
        self._subject = subject

    async def run(self, work: Callable[[], T]) -> T:
        """Runs `work` and returns its result. Raises StoreUnavailable if too many are waiting."""
        if not self._free_places:
            raise StoreUnavailable(self._subject, "too many are waiting for it")
        self._free_places -= 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._free_places += 1
