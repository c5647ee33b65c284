"""What an operator's Prometheus reads. The core counts; here its numbers get names."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import accumulate
from time import monotonic
from types import MappingProxyType
from typing import Any, NoReturn, get_args

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from app import __version__
from app.engines.base import Health
from app.events import ArmState, FailureCode, RunEnd
from app.runs.counters import CountersSnapshot, Histogram, HistogramSnapshot, RefusalReason
from app.runs.scheduler import RunScheduler
from app.store import Store
from app.web.event_stream import Streams

router = APIRouter()

PREFIX = "batchnorm_"
LAG_SECONDS = (0.005, 0.02, 0.1, 0.5, 2)
LAG_MEASURED_EVERY_SECONDS = 1.0


class Pulse:
    """How late the event loop is: it asks to be woken each second, and looks at the clock."""

    def __init__(self) -> None:
        self.lateness = Histogram(LAG_SECONDS)

    async def beat(self) -> NoReturn:
        """Measures until it is cancelled."""
        while True:
            asked = monotonic()
            await asyncio.sleep(LAG_MEASURED_EVERY_SECONDS)
            self.lateness.observe(max(0.0, monotonic() - asked - LAG_MEASURED_EVERY_SECONDS))


class Board(Collector):
    """Reads the numbers off where they are kept, when somebody asks for them."""

    def __init__(
        self, runs: RunScheduler, store: Store, streams: Streams, answers: Counter[int]
    ) -> None:
        self.pulse = Pulse()
        self._runs = runs
        self._store = store
        self._streams = streams
        self._answers = answers
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All metrics, in the format of Prometheus."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Our metrics; those of the process have a collector of their own."""
        yield from _of_runs(self._runs.counts())
        yield from _of_slots(self._runs.health())
        yield _gauge("store_problem", "1 while the store can't be used.", bool(self._store.problem))
        yield _gauge("open_streams", "Streams of events that are open.", self._streams.open)
        yield _counter("streams", "Streams of events that were opened.", self._streams.opened)
        yield _counter("streamed_bytes", "Bytes of events that were sent.", self._streams.bytes)
        answers = {str(status): number for status, number in sorted(self._answers.items())}
        yield _counters("answers", "Requests, by the status of their answer.", "status", answers)
        lag = self.pulse.lateness.snapshot()
        yield _histogram("event_loop_lag_seconds", "Lateness of the event loop.", lag)
        yield _gauge("info", "Always 1.", 1, {"version": __version__})


def _of_runs(counts: CountersSnapshot) -> Iterator[Metric]:
    live = {"queued": counts.queued, "running": counts.running}
    yield _gauges("runs", "Runs that are live, by state.", "state", live)
    yield _gauge("promised_wait_seconds", "What one more run would wait.", counts.promised_wait_s)
    yield _counter("runs_created", "Runs admitted.", counts.created)
    yield _counter("runs_shared", "Readers given a run that others asked for.", counts.shared)
    refused = _all(get_args(RefusalReason), counts.refused)
    yield _counters("runs_refused", "Runs turned away, by reason.", "reason", refused)
    ended = _all(get_args(RunEnd), counts.ended)
    yield _counters("runs_ended", "Runs ended, by state.", "state", ended)
    failed = _all(get_args(FailureCode), counts.failed)
    yield _counters("runs_failed", "Runs failed, by code.", "code", failed)
    trainings = _all(get_args(ArmState), counts.trainings)
    yield _counters("trainings", "Trainings ended by themselves.", "state", trainings)
    yield _counter("events", "Events of trainings, kept in logs.", counts.events)
    yield _counter("points", "Points in these events.", counts.points)
    yield _histogram("wait_seconds", "From a run's admission to its start.", counts.waits)
    yield _histogram("training_seconds", "Length of one training.", counts.training_seconds)


def _of_slots(health: Health) -> Iterator[Metric]:
    yield _gauge("slots", "Trainings that may run at a time.", health.slots)
    yield _gauge("warm_slots", "Slots whose worker is warm.", health.warm)
    yield _counter("worker_restarts", "Workers that ended and were replaced.", health.restarts)


def _all(labels: tuple[str, ...], numbers: Mapping[Any, int]) -> dict[str, int]:
    """What never happened is 0 and not absent: a rate needs a first value."""
    return {label: numbers.get(label, 0) for label in labels}


def _gauge(
    name: str, what: str, value: float, labels: Mapping[str, str] = MappingProxyType({})
) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, what, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def _gauges(name: str, what: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, what, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(PREFIX + name, what, value)


def _counters(name: str, what: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(PREFIX + name, what, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _histogram(name: str, what: str, spread: HistogramSnapshot) -> Metric:
    upper = [*(f"{bound:g}" for bound in spread.bounds), "+Inf"]
    buckets = list(zip(upper, accumulate(spread.counts), strict=True))
    return HistogramMetricFamily(PREFIX + name, what, buckets, spread.total)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """The server's numbers, for Prometheus."""
    board: Board = request.app.state.board
    return Response(board.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)
