"""Exports the server's counters as Prometheus metrics."""

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
from app.web.event_stream import StreamRegistry

router = APIRouter()

METRIC_PREFIX = "batchnorm_"
LAG_BUCKETS = (0.005, 0.02, 0.1, 0.5, 2)
LAG_INTERVAL_SECONDS = 1.0


class LoopLagMonitor:
    """Measures event-loop lag: how much longer than asked a one-second sleep takes."""

    def __init__(self) -> None:
        self.lag = Histogram(LAG_BUCKETS)

    async def run(self) -> NoReturn:
        """Measures the lag until the task is cancelled."""
        while True:
            scheduled_at = monotonic()
            await asyncio.sleep(LAG_INTERVAL_SECONDS)
            self.lag.observe(max(0.0, monotonic() - scheduled_at - LAG_INTERVAL_SECONDS))


class MetricsCollector(Collector):
    """Collects the metrics from the objects that count them, at each scrape."""

    def __init__(
        self,
        runs: RunScheduler,
        store: Store,
        streams: StreamRegistry,
        responses_by_status: Counter[int],
    ) -> None:
        self.loop_lag = LoopLagMonitor()
        self._runs = runs
        self._store = store
        self._streams = streams
        self._responses_by_status = responses_by_status
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def exposition(self) -> bytes:
        """Returns all metrics in Prometheus's text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yields the application's metrics; ProcessCollector adds those of the process."""
        yield from _run_metrics(self._runs.counts())
        yield from _slot_metrics(self._runs.health())
        yield _gauge("store_problem", "1 while the store can't be used.", bool(self._store.problem))
        yield _gauge("open_streams", "Streams of events that are open.", self._streams.open_count)
        yield _counter("streams", "Streams of events that were opened.", self._streams.opened_total)
        yield _counter(
            "streamed_bytes", "Bytes of events that were sent.", self._streams.sent_bytes
        )
        responses = {
            str(status): number for status, number in sorted(self._responses_by_status.items())
        }
        yield _labelled_counter(
            "answers", "Requests, by the status of their answer.", "status", responses
        )
        lag = self.loop_lag.lag.snapshot()
        yield _histogram("event_loop_lag_seconds", "Lateness of the event loop.", lag)
        yield _gauge("info", "Always 1.", 1, {"version": __version__})


def _run_metrics(counts: CountersSnapshot) -> Iterator[Metric]:
    live = {"queued": counts.queued, "running": counts.running}
    yield _labelled_gauge("runs", "Runs that are live, by state.", "state", live)
    yield _gauge("promised_wait_seconds", "What one more run would wait.", counts.promised_wait_s)
    yield _counter("runs_created", "Runs admitted.", counts.created)
    yield _counter("runs_shared", "Readers given a run that others asked for.", counts.shared)
    refused = _with_zeros(get_args(RefusalReason), counts.refused)
    yield _labelled_counter("runs_refused", "Runs turned away, by reason.", "reason", refused)
    ended = _with_zeros(get_args(RunEnd), counts.ended)
    yield _labelled_counter("runs_ended", "Runs ended, by state.", "state", ended)
    failed = _with_zeros(get_args(FailureCode), counts.failed)
    yield _labelled_counter("runs_failed", "Runs failed, by code.", "code", failed)
    trainings = _with_zeros(get_args(ArmState), counts.trainings)
    yield _labelled_counter("trainings", "Trainings ended by themselves.", "state", trainings)
    yield _counter("events", "Events of trainings, kept in logs.", counts.events)
    yield _counter("points", "Points in these events.", counts.points)
    yield _histogram("wait_seconds", "From a run's admission to its start.", counts.waits)
    yield _histogram("training_seconds", "Length of one training.", counts.training_seconds)


def _slot_metrics(health: Health) -> Iterator[Metric]:
    yield _gauge("slots", "Trainings that may run at a time.", health.slots)
    yield _gauge("warm_slots", "Slots whose worker is warm.", health.warm)
    yield _counter("worker_restarts", "Workers that ended and were replaced.", health.restarts)


def _with_zeros(labels: tuple[str, ...], numbers: Mapping[Any, int]) -> dict[str, int]:
    """Adds a 0 for each label that has not occurred: a rate needs a first value."""
    return {label: numbers.get(label, 0) for label in labels}


def _gauge(
    name: str, documentation: str, value: float, labels: Mapping[str, str] = MappingProxyType({})
) -> Metric:
    family = GaugeMetricFamily(METRIC_PREFIX + name, documentation, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def _labelled_gauge(
    name: str, documentation: str, label: str, values: Mapping[str, float]
) -> Metric:
    family = GaugeMetricFamily(METRIC_PREFIX + name, documentation, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _counter(name: str, documentation: str, value: float) -> Metric:
    return CounterMetricFamily(METRIC_PREFIX + name, documentation, value)


def _labelled_counter(
    name: str, documentation: str, label: str, values: Mapping[str, float]
) -> Metric:
    family = CounterMetricFamily(METRIC_PREFIX + name, documentation, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _histogram(name: str, documentation: str, spread: HistogramSnapshot) -> Metric:
    upper_bounds = [*(f"{bound:g}" for bound in spread.bounds), "+Inf"]
    buckets = list(zip(upper_bounds, accumulate(spread.counts), strict=True))
    return HistogramMetricFamily(METRIC_PREFIX + name, documentation, buckets, spread.total)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """All metrics in Prometheus's text format."""
    collector: MetricsCollector = request.app.state.metrics
    return Response(collector.exposition(), media_type=CONTENT_TYPE_PLAIN_0_0_4)
