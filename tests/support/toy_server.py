"""Runs the server with a fake engine in a thread of this process, on its own port."""

import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from fastapi import FastAPI

from app.events import ArmEnded, Points, TrainingEvent
from app.experiments import EXPERIMENTS
from app.experiments.definition import TrainingSpec
from app.main import create_app
from app.serve import ArticleServer, uvicorn_config
from app.settings import Settings
from tests.support.fakes import FakeEngine
from tests.support.processes import TIMEOUT, wait_until

METRIC_IDS = {metric.id for it in EXPERIMENTS.values() for metric in it.metrics}


class InstantEngine(FakeEngine):
    """A fake engine whose trainings end at once, with 0.5 for each metric."""

    async def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        values = dict.fromkeys(METRIC_IDS, 0.5)
        yield Points(spec.arm, spec.seed, [spec.steps], {name: [0.5] for name in values})
        yield ArmEnded(spec.arm, spec.seed, "finished", values)


@dataclass(frozen=True)
class FakeServer:
    """A running server that serves `app` at `url`."""

    app: FastAPI
    url: str

    def new_client(self) -> httpx.Client:
        """Returns a client with its own session."""
        return httpx.Client(base_url=self.url, timeout=TIMEOUT, verify=False)

    @property
    def created_runs(self) -> int:
        """The number of runs created so far."""
        number: int = self.app.state.runs.counts().created
        return number


@contextmanager
def running_fake_server(
    folder: Path, engine: FakeEngine | None = None, **settings_by_name: object
) -> Iterator[FakeServer]:
    """Runs a server whose limits reject no run, with further settings."""
    values = {"port": 0, "store": folder / "toys.db", "metrics": True, "runs_per_reader": 100}
    settings = Settings.model_validate({**values, "queue_seconds": 3600, **settings_by_name})
    app = create_app(settings, engine or InstantEngine())
    server = ArticleServer(app, uvicorn_config(app, settings))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, "the fake server listens")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield FakeServer(app, f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join(TIMEOUT)
