"""What all tests share: the data, a trainer, servers.

Servers and unpacked data are made once a session: each costs seconds.
"""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import httpx
import pytest

from app.__main__ import main
from app.experiments.catalogue.learning_rates import LEARNING_RATES
from app.experiments.definition import TrainingSpec
from app.settings import PREFIX, Settings
from app.training.datasets import Dataset, load_mnist
from app.training.trainer import Trainer, prepare
from tests.support.http_client import FinishedRun, json_body, post_run, read_stream
from tests.support.processes import ROOT, Server, serving
from tests.support.toy_server import FakeServer, running_fake_server

DATA_DIR: Path = Settings.model_fields["data_dir"].default

Serve: TypeAlias = Callable[..., Server]
NewReader: TypeAlias = Callable[[], httpx.Client]


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The event loop that the server runs on; the command line runs on Python's own."""
    return "asyncio", {"use_uvloop": sys.platform != "win32"}


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """And nothing goes outside: no test writes to the user's own store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data, unpacked for this session."""
    cache = tmp_path_factory.mktemp("cache")
    load_mnist(DATA_DIR, cache)
    yield cache
    shutil.rmtree(cache)


@pytest.fixture(scope="session")
def trainer(cache_dir: Path) -> Trainer:
    """Trains in this process."""
    return prepare(DATA_DIR, cache_dir, "cpu")


@pytest.fixture(scope="session")
def dataset(trainer: Trainer) -> Dataset:
    return trainer.dataset


@pytest.fixture(scope="session")
def specs() -> dict[str, TrainingSpec]:
    """By arm: trainings that take moments, 4 steps measured on 100 images."""
    request = LEARNING_RATES.parse({"seed": 3})
    return {
        spec.arm: replace(spec, steps=4, test_images=100)
        for spec in LEARNING_RATES.trainings(request)
    }


@pytest.fixture(scope="session")
def server_defaults(cache_dir: Path) -> dict[str, object]:
    """The settings of every server here, unless a test says otherwise."""
    return {
        "cache_dir": cache_dir,
        "device": "cpu",
        "workers": 2,
        "queue_seconds": 3600,
        "metrics": 1,
    }


@pytest.fixture(scope="session")
def server(
    server_defaults: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """The server that most tests share, its two workers warm."""
    log = tmp_path_factory.mktemp("server") / "log"
    with serving(log, server_defaults) as running:
        running.wait_until_ready()
        yield running
        assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture(scope="session")
def server_url(server: Server) -> str:
    return server.url


@pytest.fixture
def serve(server_defaults: dict[str, object], tmp_path: Path) -> Iterator[Serve]:
    """Starts servers with other settings: `serve(workers=1)`. They end with the test."""
    defaults = {**server_defaults, "store": tmp_path / "data" / "store.db"}
    with ExitStack() as servers:

        def start(**settings: object) -> Server:
            log = tmp_path / f"server-{len(list(tmp_path.iterdir()))}.log"
            return servers.enter_context(serving(log, {**defaults, **settings}))

        yield start


@pytest.fixture
def broken_data(tmp_path: Path) -> Path:
    """The four files, one of them altered in a single byte."""
    folder = tmp_path / "mnist"
    shutil.copytree(DATA_DIR, folder)
    altered = folder / "t10k-labels-idx1-ubyte.gz"
    content = bytearray(altered.read_bytes())
    content[2000] ^= 1
    altered.write_bytes(content)
    return folder


@dataclass(frozen=True)
class Site:
    """An exported site, and what the command said of it."""

    folder: Path
    said: str


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """What `python -m app export` writes where there is no torch."""
    folder = tmp_path_factory.mktemp("export") / "site"
    without_torch = (
        "import sys; sys.modules['torch'] = None; "
        "from app.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", without_torch, "export", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Site(folder, done.stdout)


@pytest.fixture(scope="session")
def terminal_csv(cache_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `python -m app train learning-rates --seed 7` measures in 10 steps, in this process."""
    path = tmp_path_factory.mktemp("terminal") / "seed-7.csv"
    with terminal(cache_dir):
        arguments = ["--seed", "7", "--set", "steps=10", "--csv", str(path)]
        assert main(["train", "learning-rates", *arguments]) == 0
    return path


@contextmanager
def terminal(cache_dir: Path) -> Iterator[pytest.MonkeyPatch]:
    """The settings of a terminal whose trainings run in this process; its logging is quiet."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BATCHNORM_ENGINE", "inline")
        patch.setenv("BATCHNORM_DEVICE", "cpu")
        patch.setenv("BATCHNORM_CACHE_DIR", str(cache_dir))
        yield patch
    logging.disable(logging.NOTSET)


@pytest.fixture
def in_terminal(cache_dir: Path) -> Iterator[pytest.MonkeyPatch]:
    """Commands run in this process, and train in it; more may be set."""
    with terminal(cache_dir) as patch:
        yield patch


# Readers of the shared server: each client is a browser session of its own.


@pytest.fixture
def new_reader(server: Server) -> Iterator[NewReader]:
    """Another browser session with every call."""
    with ExitStack() as clients:
        yield lambda: clients.enter_context(server.new_client())


@pytest.fixture
def reader(new_reader: NewReader) -> httpx.Client:
    return new_reader()


@pytest.fixture(scope="session")
def finished(server: Server) -> Iterator[FinishedRun]:
    """A run that its reader, whose session `reader` is, followed to its end."""
    with server.new_client() as reader:
        created = json_body(post_run(reader, seed=7, steps=10))
        yield FinishedRun(created, read_stream(reader, created["id"]), reader)


@pytest.fixture(scope="session")
def fake_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeServer]:
    """Over HTTP as the other one, but what it trains is over at once."""
    with running_fake_server(tmp_path_factory.mktemp("toys")) as running:
        yield running
