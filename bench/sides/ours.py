"""`python -m bench.sides.ours`: the project's server as it is, with an engine that keeps time.

Each slot gives the points of a training that lasts until it is stopped. Everything else is what
readers meet: the run, its log, the application with all its middleware, the stream.
"""

import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

from app.__main__ import main
from app.engines import registry
from app.engines.base import Health
from app.events import TrainingEvent
from app.experiments.definition import SideBySide, TrainingSpec
from app.measurements import Provenance
from app.settings import Settings
from bench.sides.feed import points


class PacedEngine:
    """As many slots as there should be workers, always warm."""

    def __init__(self, settings: Settings) -> None:
        self.slots = settings.workers
        self.side_by_side: SideBySide = "alone"
        self.provenance: Provenance | None = Provenance("clock", "none", {})

    async def start(self) -> None:
        pass

    async def warm(self) -> None:
        pass

    def health(self) -> Health:
        return Health(self.slots, self.slots)

    async def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        async with aclosing(points(spec.arm, spec.seed)) as paced:
            async for event in paced:
                yield event

    async def close(self) -> None:
        pass


if __name__ == "__main__":
    registry.ENGINES["workers"] = PacedEngine
    sys.exit(main([]))
