"""Readers of the shared server: each client is a browser session of its own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import httpx
import pytest

from tests.processes import Server
from tests.web.asking import FinishedRun, json_of, train, watch

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
