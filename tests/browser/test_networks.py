"""The page behind networks and proxies that freeze, hold, cut or alter a run's stream."""

import asyncio
import csv
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from time import monotonic

import httpx
import pytest
from playwright.sync_api import Locator, expect

from app.events import ArmEnded, Points, TrainingEvent
from app.experiments.catalogue.learning_rates import LEARNING_RATES
from app.experiments.definition import TrainingSpec
from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.support.fakes import PROVENANCE, FakeEngine
from tests.support.forwarder import (
    Forwarder,
    RequestInterceptor,
    ResponseTransform,
    bad_gateway,
    buffer_first_bytes,
    buffer_stream,
    buffer_stream_body,
    captive_portal,
    cut_after,
    forward,
    forwarding,
    ignore_streams,
    set_content_type,
    unchanged,
)
from tests.support.packages import apt_install
from tests.support.processes import TIMEOUT, wait_until
from tests.support.toy_server import METRIC_IDS, FakeServer, running_fake_server

pytestmark = pytest.mark.browser

POINTS = 11  # of each training: six, and five more once the gate is open
FIRST_MS, SILENT_MS = 9_000, 16_000  # a little more than static/js/figure/stream.js waits
HELD = "doesn’t let live updates through"
SEEDS = count(100)


class GatedEngine(FakeEngine):
    """Says six points of a training, and the rest once the gate is open."""

    def __init__(self) -> None:
        super().__init__(slots=4)
        self.provenance = replace(PROVENANCE, versions={"torch": "of wood"})
        self.gate = threading.Event()

    async def train(self, spec: TrainingSpec) -> AsyncGenerator[TrainingEvent, None]:
        place = [arm.id for arm in LEARNING_RATES.arms].index(spec.arm)
        for tenth in range(POINTS):
            if tenth > POINTS // 2:
                await asyncio.to_thread(self.gate.wait, TIMEOUT)
            value = (1 + place) / (1 + tenth)
            step = spec.steps * tenth // 10
            yield Points(spec.arm, spec.seed, [step], {name: [value] for name in METRIC_IDS})
            await asyncio.sleep(0.01)
        yield ArmEnded(spec.arm, spec.seed, "finished", dict.fromkeys(METRIC_IDS, value))


@pytest.fixture(scope="module")
def engine() -> GatedEngine:
    return GatedEngine()


@pytest.fixture(scope="module")
def gated(engine: GatedEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeServer]:
    with running_fake_server(tmp_path_factory.mktemp("gated"), engine) as server:
        yield server


@pytest.fixture
def network(gated: FakeServer, engine: GatedEngine) -> Iterator[Forwarder]:
    engine.gate.clear()
    with forwarding(gated.url) as forwarder:
        yield forwarder
    engine.gate.set()


@pytest.fixture
def reader(network: Forwarder, new_reader: NewReader) -> Iterator[Reader]:
    """A reader behind the network, whose page's clock can be put forward."""
    reader = new_reader(network.url)
    reader.page.clock.install()
    yield reader
    # The browser itself reports refusals and cut streams on its console.
    reports = ("console: Failed to load", "console: EventSource's response")
    assert [error for error in reader.errors if not error.startswith(reports)] == []
    reader.errors.clear()


def begin(reader: Reader) -> None:
    reader.train(seed=next(SEEDS), steps=10)
    reader.expect_state("queued", "running")


def status_of(reader: Reader) -> Locator:
    return reader.figure.locator("[data-status]")


def expect_the_whole_run(reader: Reader, gated: FakeServer) -> None:
    """Each curve has the points that the server has measured, in order and once."""
    reader.expect_state("finished")
    measured: dict[str, list[list[float]]] = {arm.label: [] for arm in LEARNING_RATES.arms}
    labels = {arm.id: arm.label for arm in LEARNING_RATES.arms}
    text = httpx.get(f"{gated.url}/runs/{reader.run_id()}/metrics.csv").text
    for row in csv.DictReader(text.splitlines()):
        if row["metric"] == "test_loss":
            measured[labels[row["arm"]]].append([float(row["step"]), float(row["value"])])
    assert all(len(line) == POINTS for line in measured.values())
    reader.look()
    assert reader.curves()["test_loss"] == measured


def test_a_page_whose_stream_freezes_notices_and_has_the_whole_run(
    reader: Reader, network: Forwarder, engine: GatedEngine, gated: FakeServer
) -> None:
    begin(reader)
    reader.wait_for_points(6)
    network.freeze_streams()
    engine.gate.set()
    reader.page.clock.fast_forward(SILENT_MS)
    expect_the_whole_run(reader, gated)


@pytest.mark.long
def test_a_frozen_stream_is_noticed_within_20_seconds(
    network: Forwarder, new_reader: NewReader, engine: GatedEngine, gated: FakeServer
) -> None:
    reader = new_reader(network.url)
    begin(reader)
    reader.wait_for_points(6)
    network.freeze_streams()
    frozen = monotonic()
    engine.gate.set()
    expect_the_whole_run(reader, gated)
    seconds = monotonic() - frozen
    reader.errors.clear()  # the browser itself reports polls that it gave up
    print(f"noticed after {seconds:.1f} s")
    assert seconds <= 20


def test_a_page_that_wakes_up_or_meets_another_network_resumes_at_once(
    reader: Reader, network: Forwarder, engine: GatedEngine, gated: FakeServer
) -> None:
    begin(reader)
    reader.wait_for_points(6)
    network.freeze_streams()
    engine.gate.set()
    reader.page.evaluate("dispatchEvent(new Event('online'))")
    expect_the_whole_run(reader, gated)


def test_a_page_that_was_too_busy_to_listen_keeps_its_stream(
    reader: Reader, network: Forwarder, engine: GatedEngine, gated: FakeServer
) -> None:
    """What came meanwhile is heard before the stream is given up."""
    begin(reader)
    reader.wait_for_points(6)
    reader.page.evaluate(
        """() => new Promise((heard) => {
          const now = Date.now;
          Date.now = () => now() + 60_000;  // a minute has gone by, as after a sleep
          setTimeout(heard, 1_100);
        })"""
    )
    engine.gate.set()
    expect_the_whole_run(reader, gated)
    assert len(network.streams) <= 2


@pytest.mark.parametrize(
    "treatment",
    [
        buffer_stream,
        buffer_stream_body,
        buffer_first_bytes(1_000_000),
        set_content_type("text/plain"),
        set_content_type("text/html"),
    ],
    ids=["until the end", "the body until the end", "the first MB", "as text", "as HTML"],
)
def test_a_page_whose_stream_is_held_back_polls_and_says_so(
    reader: Reader,
    network: Forwarder,
    engine: GatedEngine,
    gated: FakeServer,
    treatment: ResponseTransform,
) -> None:
    network.transform = treatment
    begin(reader)
    reader.page.clock.fast_forward(FIRST_MS)
    expect(status_of(reader)).to_contain_text(HELD)
    reader.wait_for_points(6)
    engine.gate.set()
    reader.page.clock.fast_forward(FIRST_MS)
    expect_the_whole_run(reader, gated)
    expect(status_of(reader)).not_to_contain_text(HELD)


def test_a_page_that_is_never_connected_polls(
    reader: Reader, network: Forwarder, engine: GatedEngine, gated: FakeServer
) -> None:
    network.intercept = ignore_streams
    begin(reader)
    reader.page.clock.fast_forward(FIRST_MS)
    expect(status_of(reader)).to_contain_text(HELD)
    engine.gate.set()
    expect_the_whole_run(reader, gated)


def test_a_page_that_polls_tries_a_stream_again_and_stops_polling(
    reader: Reader, network: Forwarder, engine: GatedEngine, gated: FakeServer
) -> None:
    network.intercept = ignore_streams
    begin(reader)
    reader.page.clock.fast_forward(FIRST_MS)
    expect(status_of(reader)).to_contain_text(HELD)
    network.intercept = forward
    reader.page.clock.fast_forward(61_000)
    expect(status_of(reader)).not_to_contain_text(HELD)
    polls = len(network.polls)
    engine.gate.set()
    expect_the_whole_run(reader, gated)
    assert len(network.polls) == polls


def test_the_next_run_of_a_page_that_polls_is_polled_from_its_start(
    reader: Reader, network: Forwarder, engine: GatedEngine, gated: FakeServer
) -> None:
    network.intercept = ignore_streams
    engine.gate.set()
    begin(reader)
    reader.page.clock.fast_forward(FIRST_MS)
    expect_the_whole_run(reader, gated)
    streams = len(network.streams)
    begin(reader)
    expect_the_whole_run(reader, gated)
    assert len(network.streams) == streams


@pytest.mark.parametrize("count", [700, 1_500])
def test_a_stream_that_is_cut_at_once_each_time_makes_progress(
    reader: Reader, network: Forwarder, engine: GatedEngine, gated: FakeServer, count: int
) -> None:
    network.transform = cut_after(count)
    begin(reader)
    said = watch_status(reader)
    wait_until(lambda: network.polls != [], "the first stream was cut")
    engine.gate.set()
    expect_the_whole_run(reader, gated)
    assert "Connection lost" not in said()


def test_a_stream_that_is_cut_after_some_seconds_resumes_without_a_word(
    reader: Reader, network: Forwarder, engine: GatedEngine, gated: FakeServer
) -> None:
    begin(reader)
    said = watch_status(reader)
    for streams in (1, 2, 3):
        reader.wait_for_points(6)
        wait_until(lambda: len(network.streams) == streams, "the stream was opened")  # noqa: B023
        reader.page.clock.fast_forward(5_000)
        network.close_streams()
        expect(status_of(reader)).to_contain_text("step")
    engine.gate.set()
    expect_the_whole_run(reader, gated)
    assert network.polls == []
    assert "Connection lost" not in said()
    assert HELD not in said()


def watch_status(reader: Reader) -> Callable[[], str]:
    """Collects what the status line says from now on."""
    reader.figure.evaluate(
        """(figure) => {
          figure.said = "";
          const note = () => (figure.said += figure.querySelector("[data-status]")?.textContent);
          const all = {subtree: true, childList: true, characterData: true};
          new MutationObserver(note).observe(figure, all);
        }"""
    )
    return lambda: str(reader.figure.evaluate("(figure) => figure.said"))


@pytest.mark.parametrize(
    ("interception", "words"),
    [(bad_gateway, "Connection lost"), (captive_portal, "answers in its place")],
    ids=["502", "a login page"],
)
def test_a_page_that_gets_other_answers_for_a_while_says_so_and_comes_back(
    reader: Reader,
    network: Forwarder,
    engine: GatedEngine,
    gated: FakeServer,
    interception: RequestInterceptor,
    words: str,
) -> None:
    network.intercept = interception
    begin(reader)
    expect(status_of(reader)).to_contain_text(words)
    network.intercept = forward
    reader.page.clock.fast_forward(60_000)
    expect(status_of(reader)).not_to_contain_text(words)
    reader.wait_for_points(6)
    engine.gate.set()
    expect_the_whole_run(reader, gated)
    assert network.transform is unchanged


def test_a_queued_run_that_is_only_polled_is_not_dropped(gated: FakeServer) -> None:
    """To ask for a run is to watch it: tests/runs/test_scheduler_shared.py turns the clock."""
    with gated.new_client() as visitor:
        run = visitor.post("/experiments/learning-rates/runs", json={"seed": 1}).json()
        kept = gated.app.state.runs._live[run["id"]]
        kept.last_viewed_at -= 10
        assert kept.unwatched_s() >= 10
        visitor.get(f"/runs/{run['id']}/events?wait=0")
        assert kept.unwatched_s() < 10
        visitor.delete(f"/runs/{run['id']}")
    wait_until(lambda: kept.done is not None, "the run has ended")


NGINX = """
daemon off; {user} pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {server};
      proxy_set_header Host $http_host;
      proxy_buffering on;
      proxy_ignore_headers X-Accel-Buffering;
      {compression}
    }}
  }}
}}
"""


@pytest.mark.long
@pytest.mark.parametrize("compression", ["", "gzip on; gzip_types text/event-stream;"])
def test_behind_nginx_that_buffers_streams_the_whole_run_is_drawn(
    gated: FakeServer,
    engine: GatedEngine,
    new_reader: NewReader,
    tmp_path: Path,
    compression: str,
) -> None:
    """It passes chunks on as they come, in spite of its buffers, unless it compresses them, too."""
    nginx = shutil.which("nginx") or (apt_install("nginx-light") and shutil.which("nginx"))
    if not nginx:
        pytest.fail("This test needs nginx, which could not be installed: apt-get install nginx")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    user = "user root;" if os.geteuid() == 0 else ""  # or it may not write to this test's folder
    values = {"user": user, "folder": tmp_path, "port": port, "server": gated.url}
    (tmp_path / "nginx.conf").write_text(NGINX.format(**values, compression=compression))
    engine.gate.clear()
    with subprocess.Popen(
        [nginx, "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error.log"]
    ) as it:
        try:
            wait_until(lambda: listens(port), "nginx listens")
            reader = new_reader(f"http://127.0.0.1:{port}")
            reader.page.clock.install()
            begin(reader)
            reader.page.clock.fast_forward(SILENT_MS)
            if compression:
                expect(status_of(reader)).to_contain_text(HELD)
            reader.wait_for_points(6)
            engine.gate.set()
            expect_the_whole_run(reader, gated)
        finally:
            engine.gate.set()
            it.terminate()
            it.wait(TIMEOUT)


def listens(port: int) -> bool:
    """Whether somebody listens on that port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
