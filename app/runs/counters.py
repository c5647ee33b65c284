"""What the core counts of its own work: plain numbers, which app/web/prometheus.py publishes."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from app.errors import Busy, TooManyRuns
from app.events import ArmEnded, ArmState, Done, FailureCode, Points, RunEnd, TrainingEvent

Refusal: TypeAlias = Literal["busy", "too_many"]

# Seconds. A click should start at once, and nobody is promised more than some minutes; a training
# takes one to twenty seconds and, at its deadline, two minutes.
WAITS = (0.1, 0.5, 1, 2, 5, 10, 20, 60, 120, 300)
TRAININGS = (0.5, 1, 2, 5, 10, 20, 60, 120)


@dataclass(frozen=True, slots=True)
class Spread:
    """How many values lay at or below each bound and above the one before, and their sum.

    `numbers` has one more entry than `bounds`: the values above them all.
    """

    bounds: tuple[float, ...]
    numbers: tuple[int, ...]
    total: float


class Histogram:
    """Sorts values into buckets as they come."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._numbers = [0] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        """Counts one value."""
        self._numbers[bisect_left(self._bounds, value)] += 1
        self._total += value

    def spread(self) -> Spread:
        """All that came so far."""
        return Spread(self._bounds, tuple(self._numbers), self._total)


@dataclass(frozen=True, slots=True)
class Counts:
    """What was done since the start, and what is live now; `promised_wait_s` for one more run."""

    created: int
    shared: int
    refused: Mapping[Refusal, int]
    ended: Mapping[RunEnd, int]
    failed: Mapping[FailureCode, int]
    trainings: Mapping[ArmState, int]
    events: int
    points: int
    waits: Spread
    training_seconds: Spread
    queued: int
    running: int
    promised_wait_s: float


@dataclass(slots=True)
class Tally:
    """Counts up. Whoever runs the runs calls one method at each turn of a run's life."""

    _created: int = 0
    _shared: int = 0
    _events: int = 0
    _points: int = 0
    _refused: Counter[Refusal] = field(default_factory=Counter)
    _ended: Counter[RunEnd] = field(default_factory=Counter)
    _failed: Counter[FailureCode] = field(default_factory=Counter)
    _trainings: Counter[ArmState] = field(default_factory=Counter)
    _waits: Histogram = field(default_factory=lambda: Histogram(WAITS))
    _training_seconds: Histogram = field(default_factory=lambda: Histogram(TRAININGS))

    def created(self) -> None:
        """One more run."""
        self._created += 1

    def shared(self) -> None:
        """A reader was given a run that others had asked for."""
        self._shared += 1

    def refused(self, refusal: Busy) -> None:
        """A reader was turned away."""
        self._refused["too_many" if isinstance(refusal, TooManyRuns) else "busy"] += 1

    def started(self, waited_s: float) -> None:
        """A run has a worker, that long after its admission."""
        self._waits.add(waited_s)

    def heard(self, event: TrainingEvent, elapsed_s: float) -> None:
        """A training said this, that long after its first event."""
        self._events += 1
        if isinstance(event, Points):
            self._points += len(event.step)
        elif isinstance(event, ArmEnded):
            self._trainings[event.state] += 1
            self._training_seconds.add(elapsed_s)

    def over(self, done: Done) -> None:
        """A run has ended."""
        self._ended[done.state] += 1
        if done.code:
            self._failed[done.code] += 1

    def counts(self, *, queued: int, running: int, promised_wait_s: float) -> Counts:
        """All of it at this moment; what is live only the caller knows."""
        return Counts(
            created=self._created,
            shared=self._shared,
            refused=dict(self._refused),
            ended=dict(self._ended),
            failed=dict(self._failed),
            trainings=dict(self._trainings),
            events=self._events,
            points=self._points,
            waits=self._waits.spread(),
            training_seconds=self._training_seconds.spread(),
            queued=queued,
            running=running,
            promised_wait_s=promised_wait_s,
        )
