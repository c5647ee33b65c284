"""Counters and histograms of runs, as plain numbers; app/web/prometheus.py publishes them."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from app.errors import Busy, TooManyRuns
from app.events import ArmEnded, ArmState, Done, FailureCode, Points, RunEnd, TrainingEvent

RefusalReason: TypeAlias = Literal["busy", "too_many"]

# Bucket bounds in seconds. A run should start at once and never waits longer than some minutes; a
# training takes 1 to 20 s and at most two minutes, its deadline.
WAIT_BUCKETS_S = (0.1, 0.5, 1, 2, 5, 10, 20, 60, 120, 300)
TRAINING_BUCKETS_S = (0.5, 1, 2, 5, 10, 20, 60, 120)


@dataclass(frozen=True, slots=True)
class HistogramSnapshot:
    """The state of a histogram at one moment; `total` is the sum of all values.

    `counts[i]` is the number of values above `bounds[i - 1]` and at most `bounds[i]`. `counts` has
    one entry more than `bounds`, for the values above the last bound.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


class Histogram:
    """Counts values by bucket."""

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def observe(self, value: float) -> None:
        """Counts one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def snapshot(self) -> HistogramSnapshot:
        """The counts so far, as an immutable copy."""
        return HistogramSnapshot(self._bounds, tuple(self._counts), self._total)


@dataclass(frozen=True, slots=True)
class CountersSnapshot:
    """All counters since the server's start, and the numbers of queued and running runs.

    `promised_wait_s` is the estimated wait of a run that is created now.
    """

    created: int
    shared: int
    refused: Mapping[RefusalReason, int]
    ended: Mapping[RunEnd, int]
    failed: Mapping[FailureCode, int]
    trainings: Mapping[ArmState, int]
    events: int
    points: int
    waits: HistogramSnapshot
    training_seconds: HistogramSnapshot
    queued: int
    running: int
    promised_wait_s: float


@dataclass(slots=True)
class RunCounters:
    """The counters. The scheduler calls one method at each change in a run's life."""

    _created: int = 0
    _shared: int = 0
    _events: int = 0
    _points: int = 0
    _refused: Counter[RefusalReason] = field(default_factory=Counter)
    _ended: Counter[RunEnd] = field(default_factory=Counter)
    _failed: Counter[FailureCode] = field(default_factory=Counter)
    _trainings: Counter[ArmState] = field(default_factory=Counter)
    _waits: Histogram = field(default_factory=lambda: Histogram(WAIT_BUCKETS_S))
    _training_seconds: Histogram = field(default_factory=lambda: Histogram(TRAINING_BUCKETS_S))

    def run_created(self) -> None:
        """Counts a run that was admitted."""
        self._created += 1

    def run_shared(self) -> None:
        """Counts a reader who was given a run that somebody else had created."""
        self._shared += 1

    def run_refused(self, refusal: Busy) -> None:
        """Counts a reader who was turned away, by reason."""
        self._refused["too_many" if isinstance(refusal, TooManyRuns) else "busy"] += 1

    def run_started(self, waited_s: float) -> None:
        """Records the time between a run's admission and its start."""
        self._waits.observe(waited_s)

    def event_received(self, event: TrainingEvent, elapsed_s: float) -> None:
        """Counts one event of a training; `elapsed_s` is the time since its first event."""
        self._events += 1
        if isinstance(event, Points):
            self._points += len(event.step)
        elif isinstance(event, ArmEnded):
            self._trainings[event.state] += 1
            self._training_seconds.observe(elapsed_s)

    def run_ended(self, done: Done) -> None:
        """Counts a run that ended, by state and failure code."""
        self._ended[done.state] += 1
        if done.code:
            self._failed[done.code] += 1

    def snapshot(self, *, queued: int, running: int, promised_wait_s: float) -> CountersSnapshot:
        """All counters at this moment. The caller supplies the numbers of live runs."""
        return CountersSnapshot(
            created=self._created,
            shared=self._shared,
            refused=dict(self._refused),
            ended=dict(self._ended),
            failed=dict(self._failed),
            trainings=dict(self._trainings),
            events=self._events,
            points=self._points,
            waits=self._waits.snapshot(),
            training_seconds=self._training_seconds.snapshot(),
            queued=queued,
            running=running,
            promised_wait_s=promised_wait_s,
        )
