"""Several trainings in one process, stepped in turn, so that all of them grow at the same time."""

from collections.abc import Iterator
from heapq import heappop, heappush

from app.events import ArmEnded, TrainingEvent
from app.experiments.definition import TrainingSpec
from app.training.datasets import Dataset
from app.training.loop import train


def train_in_turn(
    spec: TrainingSpec, dataset: Dataset, device: str = "cpu"
) -> Iterator[TrainingEvent]:
    """Yields what `loop.train` yields for each of `spec.members`; the least advanced goes next.

    The numbers are those of `loop.train`: each training has a network and random numbers of its
    own, and no state is shared.
    """
    trainings = [train(member, dataset, device) for member in spec.members]
    # Heap entries: share of steps done, events so far (the last step yields many), index.
    waiting = [(0.0, 0, index) for index in range(len(trainings))]
    while waiting:
        _, events, index = heappop(waiting)
        event = next(trainings[index])
        yield event
        if not isinstance(event, ArmEnded):
            heappush(waiting, (event.latest_step / spec.steps, events + 1, index))
