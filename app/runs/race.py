"""A race that readers can watch: of the arms of one seed, none is shown far ahead of the others.

Workers differ in speed, and so do arms (a norm takes time). What the faster ones measured is held
back here until the slower ones are near. That costs no time: a run ends with its slowest training.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from app.events import ArmEnded, TrainingEvent
from app.experiments.definition import TrainingSpec

# An arm further ahead than this, as a share of its steps, waits. Its next event may leap further.
LEAD = 0.08
# An arm that says nothing for this long is not waited for: its worker may be starting anew.
PATIENCE_SECONDS = 1.0


@dataclass(slots=True)
class Runner:
    """One arm: what it said that is not shown yet, and the share of its steps that is shown."""

    steps: int
    heard_at: float
    held: deque[TrainingEvent] = field(default_factory=deque)
    shown: float = 0.0


class Race:
    """The arms of one seed that have a worker. `now`: seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._runners: dict[str, Runner] = {}

    def enter(self, spec: TrainingSpec, now: float) -> None:
        """Counts an arm from the moment on when it is given to a worker."""
        self._runners[spec.arm] = Runner(spec.steps, heard_at=now)

    def hear(self, event: TrainingEvent, now: float) -> Iterator[TrainingEvent]:
        """Takes in what an arm says; yields what may be shown now, each event once."""
        runner = self._runners[event.arm]
        runner.held.append(event)
        runner.heard_at = now
        yield from self.release(now)

    def release(self, now: float) -> Iterator[TrainingEvent]:
        """Yields what may be shown now. To be called now and then, since patience ends."""
        while runner := self._next(now):
            yield self._show(runner)

    def flush(self) -> Iterator[TrainingEvent]:
        """Yields all that was held back: the run ends."""
        for runner in list(self._runners.values()):
            while runner.held:
                yield self._show(runner)

    def _next(self, now: float) -> Runner | None:
        """An arm whose next event may be shown."""
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
