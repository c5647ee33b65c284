"""Keeps the arms of one seed level for readers: no arm's curve is shown far ahead of the others.

Workers differ in speed, and so do arms (a normalization layer takes time). The events of faster
arms are held back here until the slower arms are near. That does not delay the run, which ends with
its slowest training.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.events import ArmEnded, TrainingEvent
from app.experiments.definition import TrainingSpec

# An arm that is further ahead than this share of its steps is held back. One event may exceed it.
LEAD = 0.08
# An arm without events for this long does not hold back the others: its worker may be restarting.
PATIENCE_SECONDS = 1.0


@dataclass(slots=True)
class Runner:
    """One arm: its events that are held back, and the share of its steps that is released."""

    steps: int
    heard_at: float
    held: deque[TrainingEvent] = field(default_factory=deque)
    shown: float = 0.0


class Race:
    """The arms of one seed that have a worker. `now` is the time of a monotonic clock in seconds."""

    def __init__(self) -> None:
        self._runners: dict[str, Runner] = {}

    def enter(self, spec: TrainingSpec, now: float) -> None:
        """Adds an arm when it is assigned to a worker."""
        self._runners[spec.arm] = Runner(spec.steps, heard_at=now)

    def hear(self, event: TrainingEvent, now: float) -> Iterator[TrainingEvent]:
        """Accepts an event of an arm, and yields all events that may be released now."""
        runner = self._runners[event.arm]
        runner.held.append(event)
        runner.heard_at = now
        yield from self.release(now)

    def release(self, now: float) -> Iterator[TrainingEvent]:
        """Yields the events that may be released now. Called regularly, since arms may stall."""
        while runner := self._next(now):
            yield self._show(runner)

    def flush(self) -> Iterator[TrainingEvent]:
        """Yields all events that were held back, for a run that ends."""
        for runner in list(self._runners.values()):
            while runner.held:
                yield self._show(runner)

    def _next(self, now: float) -> Runner | None:
        """An arm whose next event may be released; None if there is none."""
        waited_for = [
            runner.shown
            for runner in self._runners.values()
            if runner.held or now - runner.heard_at < PATIENCE_SECONDS
        ]
        limit = min(waited_for, default=0.0) + LEAD
        ready = (r for r in self._runners.values() if r.held and r.shown <= limit)
        return next(ready, None)

    def _show(self, runner: Runner) -> TrainingEvent:
        event = runner.held.popleft()
        if isinstance(event, ArmEnded):
            del self._runners[event.arm]
        else:
            runner.shown = event.latest_step / runner.steps
        return event
