"""A server on whose stage a test decides, by the seed, how a run goes: nothing is trained."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

from app.errors import WorkerLost
from app.events import ArmEnded, Points, TrainingEvent
from app.experiments.definition import TrainingSpec
from tests.support.fakes import PROVENANCE, FakeEngine
from tests.support.toy_server import METRIC_IDS

# Seeds. This one and the nine after it end; whatever other seed a reader has drawn lingers halfway
# until it is stopped.
ENDS, FAILS, SLOW, LINGERS = 10, 20, 30, 40
# Seconds between two points.
PACE, SLOW_PACE = 0.01, 0.1


class StagedEngine(FakeEngine):
    """A point at every tenth of a training; what comes then is the seed's business."""

    def __init__(self) -> None:
        super().__init__()
        # Against a map, the page says with which PyTorch each was measured.
        self.provenance = replace(PROVENANCE, versions={"torch": "of wood"})

    async def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        for tenth in range(11):
            value = 1 / (1 + tenth)
            yield Points(
                spec.arm,
                spec.seed,
                [spec.steps * tenth // 10],
                {name: [value] for name in METRIC_IDS},
            )
            await asyncio.sleep(SLOW_PACE if spec.seed == SLOW else PACE)
            if tenth == 5 and spec.seed == FAILS:
                raise WorkerLost("as the stage has it")
            if tenth == 5 and spec.seed not in (*range(ENDS, ENDS + 10), SLOW):
                await asyncio.Event().wait()
        yield ArmEnded(spec.arm, spec.seed, "finished", dict.fromkeys(METRIC_IDS, value))
