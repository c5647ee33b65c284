"""Readers of the shared server: each client is a browser session of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import httpx
import pytest

from tests.support.http_client import FinishedRun, json_of, train, watch
from tests.support.processes import Server
from tests.support.toy_server import ToyServer, serving_toys_over_http

NewReader: TypeAlias = Callable[[], httpx.Client]


@pytest.fixture
def new_reader(server: Server) -> Iterator[NewReader]:
    """Another browser session with every call."""
    with ExitStack() as clients:
        yield lambda: clients.enter_context(server.visitor())


@pytest.fixture
def reader(new_reader: NewReader) -> httpx.Client:
    return new_reader()


@pytest.fixture(scope="session")
def finished(server: Server) -> Iterator[FinishedRun]:
    """A run that its reader, whose session `reader` is, followed to its end."""
    with server.visitor() as reader:
        created = json_of(train(reader, seed=7, steps=10))
        yield FinishedRun(created, watch(reader, created["id"]), reader)


@pytest.fixture(scope="session")
def toy_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToyServer]:
    """Over HTTP as the other one, but what it trains is over at once."""
    with serving_toys_over_http(tmp_path_factory.mktemp("toys")) as running:
        yield running
