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
MAX_LEAD = 0.08
# An arm without events for this long does not hold back the others: its worker may be restarting.
STALL_SECONDS = 1.0


@dataclass(slots=True)
class ArmProgress:
    """One arm: its events that are held back, and the share of its steps that is released."""

    steps: int
    last_event_at: float
    pending: deque[TrainingEvent] = field(default_factory=deque)
    released_share: float = 0.0


class Race:
    """The arms of one seed that have a worker. `now` is a monotonic clock's time in seconds."""

    def __init__(self) -> None:
        self._arms: dict[str, ArmProgress] = {}

    def add_arm(self, spec: TrainingSpec, now: float) -> None:
        """Adds an arm when it is assigned to a worker."""
        self._arms[spec.arm] = ArmProgress(spec.steps, last_event_at=now)

    def receive(self, event: TrainingEvent, now: float) -> Iterator[TrainingEvent]:
        """Accepts an event of an arm, and yields all events that may be released now."""
        arm = self._arms[event.arm]
        arm.pending.append(event)
        arm.last_event_at = now
        yield from self.release_ready(now)

    def release_ready(self, now: float) -> Iterator[TrainingEvent]:
        """Yields the events that may be released now. Called regularly, since arms may stall."""
        while arm := self._next_releasable(now):
            yield self._release_next(arm)

    def flush(self) -> Iterator[TrainingEvent]:
        """Yields all events that were held back, for a run that ends."""
        for arm in list(self._arms.values()):
            while arm.pending:
                yield self._release_next(arm)

    def _next_releasable(self, now: float) -> ArmProgress | None:
        """An arm whose next event may be released; None if there is none."""
        active_shares = [
            arm.released_share
            for arm in self._arms.values()
            if arm.pending or now - arm.last_event_at < STALL_SECONDS
        ]
        limit = min(active_shares, default=0.0) + MAX_LEAD
        ready = (r for r in self._arms.values() if r.pending and r.released_share <= limit)
        return next(ready, None)

    def _release_next(self, arm: ArmProgress) -> TrainingEvent:
        event = arm.pending.popleft()
        if isinstance(event, ArmEnded):
            del self._arms[event.arm]
        else:
            arm.released_share = event.latest_step / arm.steps
        return event
