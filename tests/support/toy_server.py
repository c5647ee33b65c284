"""The whole server, but for the trainings: in a thread of this process, on a port of its own."""

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
from tests.support.fakes import ToyEngine
from tests.support.processes import PATIENCE, wait_until

METRICS = {metric.id for it in EXPERIMENTS.values() for metric in it.metrics}


class HastyEngine(ToyEngine):
    """Every training is over as soon as it begins; each metric ends at a half."""

    async def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        values = dict.fromkeys(METRICS, 0.5)
        yield Points(spec.arm, spec.seed, [spec.steps], {name: [0.5] for name in values})
        yield ArmEnded(spec.arm, spec.seed, "finished", values)


@dataclass(frozen=True)
class ToyServer:
    """Listens at `url`; `app` is what it serves."""

    app: FastAPI
    url: str

    def visitor(self) -> httpx.Client:
        """A browser session of its own."""
        return httpx.Client(base_url=self.url, timeout=PATIENCE, verify=False)

    @property
    def created(self) -> int:
        """How many runs were ever admitted."""
        number: int = self.app.state.runs.counts().created
        return number


@contextmanager
def serving_toys_over_http(
    folder: Path, engine: ToyEngine | None = None, **more: object
) -> Iterator[ToyServer]:
    """A server that turns nobody away, with `more` settings."""
    values = {"port": 0, "store": folder / "toys.db", "metrics": True, "runs_per_reader": 100}
    settings = Settings.model_validate({**values, "queue_seconds": 3600, **more})
    app = create_app(settings, engine or HastyEngine())
    server = ArticleServer(app, uvicorn_config(app, settings))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started, "the toy server listens")
        port = server.servers[0].sockets[0].getsockname()[1]
        yield ToyServer(app, f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
