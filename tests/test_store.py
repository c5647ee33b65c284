import ast
import logging
import re
import resource
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest

from app import store as stores
from app.comments import Comments, parse
from app.errors import StoreUnavailable
from app.store import Store
from tests.support.processes import ROOT

ADD = "INSERT INTO comments (created, reader, name, text) VALUES (0, 'r', ?, 't')"
NAMES = "SELECT name FROM comments ORDER BY id"


def add(store: Store, name: str) -> None:
    with store.write_transaction("Names") as connection:
        connection.execute(ADD, [name])


def names(store: Store) -> list[str]:
    with store.read_transaction("Names") as connection:
        return [name for (name,) in connection.execute(NAMES)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store that holds one name."""
    store = Store(tmp_path / "store.db")
    add(store, "Ann")
    return store


@pytest.fixture(autouse=True)
def _speaks(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="app.store")


def make_read_only(path: Path) -> None:
    """Also for root, whom permissions don't stop: a format version that may only be read."""
    with path.open("r+b") as file:
        file.seek(18)
        file.write(b"\x03")


@contextmanager
def no_room(size: int = 0) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_file_and_its_folder_are_made_when_they_are_needed(tmp_path: Path) -> None:
    store = Store(tmp_path / "some" / "folder" / "store.db")
    assert not (tmp_path / "some").exists()
    assert names(store) == []
    add(store, "Ann")
    assert names(Store(store.path)) == ["Ann"]
    assert store.problem is None
    with store.read_transaction("Names") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_file_is_readable_while_another_writes(store: Store) -> None:
    with store.write_transaction("Names") as connection:
        connection.execute(ADD, ["Bob"])
        assert names(store) == ["Ann"]
    assert names(store) == ["Ann", "Bob"]


def test_what_raises_half_way_leaves_nothing(store: Store) -> None:
    def half_way() -> None:
        with store.write_transaction("Names") as connection:
            connection.execute(ADD, ["Bob"])
            raise KeyError("half way")

    with pytest.raises(KeyError):
        half_way()
    assert names(store) == ["Ann"]
    assert store.problem is None


def write_many(path: Path, who: str) -> None:
    store = Store(path)
    for number in range(50):
        add(store, f"{who} {number}")


def test_several_processes_write_one_file_and_nothing_is_lost(tmp_path: Path) -> None:
    """None of them finds the file: all four make it at once."""
    path = tmp_path / "new" / "store.db"
    context = get_context("spawn")
    writers = [context.Process(target=write_many, args=(path, str(who))) for who in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0] * 4
    kept = names(Store(path))
    assert sorted(kept) == sorted(f"{who} {number}" for who in range(4) for number in range(50))


def test_a_locked_file_can_be_read_and_says_that_it_is_locked(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "BUSY_TIMEOUT_SECONDS", 0.05)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert names(store) == ["Ann"]
        with pytest.raises(StoreUnavailable):
            add(store, "Bob")
        assert store.problem == "database is locked"
    add(store, "Bob")
    assert names(store) == ["Ann", "Bob"]


def test_a_read_only_file_can_be_read(store: Store) -> None:
    make_read_only(store.path)
    assert names(store) == ["Ann"]
    with pytest.raises(StoreUnavailable):
        add(store, "Bob")
    assert names(store) == ["Ann"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_costs_the_new_and_not_the_old(store: Store) -> None:
    with no_room(), pytest.raises(StoreUnavailable):
        add(store, "Bob")
    assert names(store) == ["Ann"]
    add(store, "Bob")
    assert names(store) == ["Ann", "Bob"]


@pytest.mark.parametrize(
    "content", [b"no database at all " * 300, b"SQLite format 3\0" + b"x" * 99]
)
def test_a_corrupt_file_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    store = Store(tmp_path / "store.db")
    store.path.write_bytes(content)
    for attempt in (lambda: add(store, "Ann"), lambda: names(store)):
        with pytest.raises(StoreUnavailable):
            attempt()
    assert store.path.read_bytes() == content


def test_a_file_of_a_later_version_is_left_as_it_is(store: Store) -> None:
    with closing(sqlite3.connect(store.path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnavailable) as raised:
        add(store, "Bob")
    assert "99" in raised.value.details


def test_a_folder_that_can_not_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = Store(tmp_path / "file" / "store.db")
    with pytest.raises(StoreUnavailable):
        names(store)
    assert store.problem


def test_a_file_that_is_put_back_is_used_at_once(store: Store) -> None:
    content = store.path.read_bytes()
    store.path.write_bytes(b"no database at all " * 300)
    with pytest.raises(StoreUnavailable):
        names(store)
    store.path.write_bytes(content)
    assert names(store) == ["Ann"]


def test_a_failure_is_one_line_in_the_log_however_many_meet_it(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    content = store.path.read_bytes()
    store.path.write_bytes(b"no database at all " * 300)
    store.check()
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            names(store)
    (line,) = caplog.messages
    assert str(store.path) in line
    assert "\n" not in line
    assert caplog.records[0].exc_info is None
    store.path.write_bytes(content)
    names(store)
    assert caplog.messages[1:] == [f"the store {store.path} can be used again"]


def test_a_reader_is_told_neither_the_path_nor_the_reason(tmp_path: Path) -> None:
    store = Store(tmp_path)  # a folder
    with pytest.raises(StoreUnavailable) as raised, store.read_transaction("Comments"):
        pass
    assert str(raised.value).startswith("Comments can't be read or kept just now.")
    assert str(tmp_path) not in str(raised.value)
    assert str(tmp_path) in raised.value.details
    assert str(tmp_path) not in str(store.problem)


# Words of SQL, and the version of SQLite that first knew them.
TOO_NEW = {
    "RETURNING": "3.35",
    "STRICT": "3.37",
    r"OVER\s*\(": "3.25",
    r"ON CONFLICT \(": "3.24",
    "->": "3.38",
    "unixepoch": "3.38",
    "GENERATED": "3.31",
    "iif": "3.32",
    "MATERIALIZED": "3.35",
    "FULL JOIN|RIGHT JOIN": "3.39",
    "DROP COLUMN": "3.35",
    "UPDATE .* FROM": "3.33",
    "VACUUM INTO": "3.27",
}


def test_an_sqlite_of_ten_years_ago_understands_every_statement() -> None:
    """The SQL that stands in the app; comments of SQL and Python aside."""
    sources = [*(ROOT / "app").rglob("*.py")]
    statements = [
        node.value
        for path in sources
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.match(r"\s*(SELECT|INSERT|DELETE|UPDATE|CREATE|WITH|PRAGMA)\b", node.value)
    ]
    assert len(statements) > 10
    assert [
        (newer, statement)
        for statement in statements
        for newer in TOO_NEW
        if re.search(newer, re.sub("--.*", "", statement))
    ] == []


def test_a_store_with_strict_tables_is_used_as_before(tmp_path: Path) -> None:
    """As versions before 2026-12 made them."""
    store = Store(tmp_path / "store.db")
    with closing(sqlite3.connect(store.path)) as connection, connection:
        for statement in stores.SCHEMA:
            strict = re.sub(r"\n    \)$", "\n    ) STRICT", statement)
            connection.execute(re.sub(r"CHECK \(typeof.*\)\)?", "", strict))
    assert Comments(store).add(parse({"name": "Zoë", "text": "γ"}), "reader").name == "Zoë"
    assert Comments(store).remove(1).text == "γ"
    assert store.problem is None


def test_strict_tables_that_sqlite_is_too_old_for_are_one_line_that_names_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What SQLite 3.31 says of such a file; the message was copied from there."""

    def too_old(*_: object, **__: object) -> sqlite3.Connection:
        raise sqlite3.DatabaseError(
            'malformed database schema (comments) - near "STRICT": syntax error'
        )

    store = Store(tmp_path / "store.db")
    monkeypatch.setattr(sqlite3, "connect", too_old)
    store.check()
    (line,) = caplog.messages
    assert f"need SQLite 3.37 or later; Python has {sqlite3.sqlite_version} here" in line


def test_a_value_of_another_kind_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreUnavailable),
        Store(tmp_path / "store.db").write_transaction("It") as connection,
    ):
        connection.execute(
            "INSERT INTO comments (created, reader, name, text) VALUES ('soon', '', '', '')"
        )
