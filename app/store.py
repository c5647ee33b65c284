"""What outlives the server: one SQLite file, which several processes may use at a time."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from app.errors import StoreUnavailable

log = logging.getLogger(__name__)

# Longest wait for another writer, whose transactions take milliseconds.
PATIENCE_SECONDS = 2.0
VERSION = 2
# Nothing here or in a statement elsewhere needs an SQLite that is younger than Python 3.11's least.
# Stores that were made before 2026-12 have STRICT tables, for which SQLite 3.37 is the least.
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
    f"PRAGMA user_version = {VERSION}",
)

T = TypeVar("T")


class Store:
    """The file at `path`, made when it is first needed.

    It is opened for each transaction and closed after it: no thread owns a connection, and a file
    that is moved, repaired or put back while the server runs is used at once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None  # what SQLite said when it last failed, without a path

    @contextmanager
    def reading(self, what: str) -> Iterator[sqlite3.Connection]:
        """A transaction that changes nothing. Raises StoreUnavailable, about `what`."""
        with self._opened(what) as connection, self._transaction(connection, "DEFERRED"):
            yield connection

    @contextmanager
    def writing(self, what: str) -> Iterator[sqlite3.Connection]:
        """A transaction that no other writer comes between, undone if its body raises.

        Raises StoreUnavailable, about `what`.
        """
        with self._opened(what) as connection, self._transaction(connection, "IMMEDIATE"):
            yield connection

    def check(self) -> None:
        """Tries to open the file; what is wrong with it is logged and stands in `problem`."""
        with suppress(StoreUnavailable), self.reading("The store"):
            pass

    @contextmanager
    def _opened(self, what: str) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with closing(
                sqlite3.connect(self.path, timeout=PATIENCE_SECONDS, isolation_level=None)
            ) as connection:
                self._prepare(connection)
                yield connection
        except sqlite3.Error as error:
            problem = _in_words(error)
            self._report(problem)
            raise StoreUnavailable(what, f"can't use {self.path}: {problem}") from None
        except OSError as error:
            problem = error.strerror or type(error).__name__
            self._report(problem)
            raise StoreUnavailable(what, f"can't use {self.path}: {problem}") from None
        self._report(None)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise sqlite3.DatabaseError(f"its version is {version}, and this program's {VERSION}")
        if version < VERSION:
            with self._transaction(connection, "IMMEDIATE"):
                for statement in SCHEMA:
                    connection.execute(statement)
            # Readers and a writer don't wait for each other then. Whoever finds the file in
            # use just now leaves it as it is, which is slower and as safe.
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode = WAL")

    @contextmanager
    def _transaction(self, connection: sqlite3.Connection, kind: str) -> Iterator[None]:
        connection.execute(f"BEGIN {kind}")
        with connection:  # commits, or rolls back when the body raises
            yield

    def _report(self, problem: str | None) -> None:
        """One line when it starts to fail and one when it works again, however many ask."""
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


def _in_words(error: sqlite3.Error) -> str:
    if 'near "strict"' in str(error).lower():
        return (
            "an earlier version of this program made it with STRICT tables, which need SQLite 3.37 "
            f"or later; Python has {sqlite3.sqlite_version} here"
        )
    return str(error)


class Line:
    """From an event loop to a store: a few threads, and a bounded line of those who wait for one.

    SQLite has one writer. Should the file be locked, each who waits costs those behind two seconds.
    """

    def __init__(self, threads: int, max_waiting: int, what: str) -> None:
        self._limiter = CapacityLimiter(threads)
        self._room = threads + max_waiting
        self._what = what

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns. Raises StoreUnavailable at once if the line is full."""
        if not self._room:
            raise StoreUnavailable(self._what, "too many are waiting for it")
        self._room -= 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._room += 1
