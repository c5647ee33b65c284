"""Row 25: data that is missing or altered, a store that is locked, read-only or full."""

import resource
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from time import monotonic

import httpx
import pytest

from tests.conftest import DATA_DIR, Serve
from tests.support.http_client import RUNS_PATH, json_body, post_run, problem_body, read_stream
from tests.support.processes import Server, serving, wait_until
from tests.test_store import make_read_only

CANT_BE_USED = "can't be used: "


@pytest.fixture
def missing_data(tmp_path: Path) -> Path:
    """Three of the four files."""
    folder = tmp_path / "mnist"
    shutil.copytree(DATA_DIR, folder)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    return folder


@pytest.mark.parametrize("data", ["missing_data", "broken_data"])
def test_row_25_without_its_data_the_article_is_served_and_training_is_refused(
    serve: Serve, request: pytest.FixtureRequest, data: str
) -> None:
    folder: Path = request.getfixturevalue(data)
    server = serve(workers=1, data_dir=folder)
    with server.new_client() as reader:
        early = reader.post(RUNS_PATH, json={"steps": 10})  # the workers have not looked yet
        says_why(server, reader, folder)

        refused = reader.post(RUNS_PATH, json={"steps": 10})
        problem_body(refused, 503)
        assert int(refused.headers["retry-after"]) >= 1
        assert str(folder) not in refused.text

        page = reader.get("/")
        assert page.status_code == 200
        assert 'data-figure="learning-rates"' in page.text
        assert reader.get("/healthz").status_code == 200

        if early.status_code == 201:
            # Whoever got in before is told of the end, instead of waiting for ever.
            path = early.headers["location"]
            wait_until(lambda: state_of(reader, path) == "failed", "the early run failed")


def state_of(reader: httpx.Client, path: str) -> object:
    return json_body(reader.get(path, headers={"Accept": "application/json"}))["state"]


def says_why(server: Server, reader: httpx.Client, data_dir: Path) -> None:
    wait_until(lambda: reader.get("/readyz").json()["problem"] is not None, "the problem is known")
    answer = reader.get("/readyz")
    assert answer.status_code == 503
    health = answer.json()
    assert (health["ready"], health["warm"]) == (False, 0)
    assert "t10k-labels-idx1-ubyte.gz" in health["problem"]
    assert str(data_dir) not in answer.text

    told = [line for line in server.log.read_text().splitlines() if str(data_dir) in line]
    assert len(told) == 1  # once, whatever the number of attempts
    assert "t10k-labels-idx1-ubyte.gz" in told[0]


@pytest.fixture(scope="module")
def store_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept") / "store.db"


@pytest.fixture(scope="module")
def keeper(
    server_defaults: dict[str, object], store_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with a store of its own."""
    log = tmp_path_factory.mktemp("keeper") / "log"
    with serving(log, {**server_defaults, "workers": 1, "store": store_path}) as running:
        running.wait_until_ready()
        yield running


def comment(reader: httpx.Client) -> httpx.Response:
    """A new one: the same again would be a double click."""
    return reader.post("/comments", json={"name": "Ann", "text": f"At {monotonic()}."})


def comments(reader: httpx.Client) -> int:
    """How many are kept."""
    return len(json_body(reader.get("/comments", headers={"Accept": "application/json"})))


@contextmanager
def locked(_: Server, path: Path) -> Iterator[None]:
    """Another process writes, and doesn't end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@contextmanager
def read_only(_: Server, path: Path) -> Iterator[None]:
    """A format that may only be read: permissions would not stop root."""
    with closing(sqlite3.connect(path)) as connection:  # all of it into the one file
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = path.read_bytes()
    make_read_only(path)
    yield
    path.write_bytes(content)


@contextmanager
def full(server: Server, path: Path) -> Iterator[None]:
    """No file of the server may grow beyond what its log needs: not the store, not its journal."""
    size = 8192
    before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    yield
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)


Trouble = Callable[[Server, Path], AbstractContextManager[None]]


@pytest.mark.parametrize(
    ("trouble", "why"),
    [(locked, "locked"), (read_only, "readonly"), (full, "full|I/O")],
    ids=["locked", "read-only", "full"],
)
def test_row_25_a_store_in_trouble_costs_what_it_keeps_and_nothing_else(
    keeper: Server, store_path: Path, trouble: Trouble, why: str
) -> None:
    with keeper.new_client() as reader:
        assert comment(reader).status_code == 201
        kept = comments(reader)
        complaints = keeper.log.read_text().count(CANT_BE_USED)
        with trouble(keeper, store_path):
            problem_body(comment(reader), 503)
            told = json_body(reader.get("/readyz"))["store"]
            assert any(word in told for word in why.split("|")), told
            assert str(store_path) not in told
            assert reader.get("/").status_code == 200
            events = read_stream(reader, json_body(post_run(reader, steps=10))["id"])
            assert events[-1].data["state"] == "finished"
        assert comment(reader).status_code == 201
        assert json_body(reader.get("/readyz"))["store"] is None
        assert comments(reader) == kept + 1
    lines = keeper.log.read_text()
    assert "Traceback" not in lines
    assert lines.count(CANT_BE_USED) == complaints + 1
