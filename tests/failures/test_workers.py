"""Rows 1 to 8 and 19: workers that die, hang, grow or raise, and the server's own end."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from time import monotonic

import httpx
import pytest

from tests.conftest import Serve
from tests.failures.watching import (
    DEADLINE_SECONDS,
    end_of,
    open_stream,
    rest_of,
    watch_with_clock,
)
from tests.support.http_client import json_body, next_event, post_run, read_stream, stream_events
from tests.support.processes import TIMEOUT, Server, is_alive, send_signal, wait_until

MB = 1_000_000
OPEN_STREAMS = 300


def start(reader: httpx.Client, slug: str) -> str:
    """A run of one of the faulty experiments."""
    return str(json_body(reader.post(f"/experiments/{slug}/runs", json={"steps": 40}))["id"])


def replaced(server: Server, lost: int) -> None:
    """Returns when there are two warm workers, and that one is none of them."""
    wait_until(lambda: len(server.worker_pids() - {lost}) == 2, "another worker has started")
    server.wait_until_ready()


def seconds_until_ready(server: Server) -> float:
    """Until all workers are warm again, once one is known to be lost."""
    lost = monotonic()
    with server.new_client() as visitor:
        wait_until(lambda: visitor.get("/readyz").status_code == 503, "a worker is missing")
        wait_until(lambda: visitor.get("/readyz").status_code == 200, "workers warm")
    return monotonic() - lost


@pytest.mark.long
def test_row_1_a_killed_worker_ends_its_run_within_a_second_and_no_other(mortal: Server) -> None:
    mortal.wait_until_ready()
    with mortal.new_client() as one, mortal.new_client() as two, ThreadPoolExecutor(2) as threads:
        runs = [json_body(post_run(reader, steps=20))["id"] for reader in (one, two)]
        watching = [threads.submit(watch_with_clock, one, run) for run in runs]
        with stream_events(two, runs[0]) as events:
            next_event(events, "points")
        workers = mortal.worker_pids()
        assert len(workers) == 2
        lost = workers.pop()
        killed = monotonic()
        os.kill(lost, signal.SIGKILL)
        told = {end_of(seen.result())["state"]: seen.result() for seen in watching}
        assert set(told) == {"failed", "finished"}
        done = end_of(told["failed"])
        took = told["failed"][-1].at - killed
        assert done["code"] == "worker_lost"
        assert took <= 1, f"said after {took:.2f} s"
        assert done["message"]
        assert done["reference"] in mortal.log.read_text()
        run_id = runs[watching[1].result() is told["failed"]]
        panel = one.get(f"/runs/{run_id}", headers={"HX-Request": "true"}).text
        assert done["message"] in panel
        assert done["reference"] in panel

        following = read_stream(one, json_body(post_run(one, steps=10))["id"])
        assert following[-1].data["state"] == "finished"
        replaced(mortal, lost)
        assert workers <= mortal.worker_pids()


@pytest.mark.long
def test_row_1_a_killed_worker_is_replaced_within_8_seconds(mortal: Server) -> None:
    mortal.wait_until_ready()
    for _ in range(3):
        send_signal({mortal.worker_pids().pop()})
        took = seconds_until_ready(mortal)
        assert took <= 8, f"replaced after {took:.1f} s"


@pytest.mark.long
def test_row_2_a_stopped_worker_meets_the_deadline_and_is_replaced(mortal: Server) -> None:
    mortal.wait_until_ready()
    with mortal.new_client() as reader:
        run_id = json_body(post_run(reader, steps=400))["id"]
        with stream_events(reader, run_id) as events:
            next_event(events, "points")
            begun = monotonic()
            stopped = mortal.worker_pids().pop()
            os.kill(stopped, signal.SIGSTOP)
            done = next_event(events, "done").data
            took = monotonic() - begun
        assert (done["state"], done["code"]) == ("failed", "deadline")
        assert DEADLINE_SECONDS - 1 <= took <= DEADLINE_SECONDS + 1, f"ended after {took:.2f} s"
        replaced(mortal, stopped)
        assert not is_alive(stopped)


@pytest.mark.long
def test_row_3_a_training_over_its_memory_is_ended_and_costs_nobody_else(mortal: Server) -> None:
    mortal.wait_until_ready()
    before = mortal.memory_bytes()
    for worker in mortal.worker_pids():  # out of memory, the kernel takes them and not the server
        assert Path(f"/proc/{worker}/oom_score_adj").read_text().strip() == "1000"
    with mortal.new_client() as one, mortal.new_client() as two, ThreadPoolExecutor(1) as threads:
        hungry = start(one, "hungry")
        sibling = threads.submit(read_stream, two, json_body(post_run(two, steps=10))["id"])
        done = read_stream(one, hungry)[-1].data
        assert (done["state"], done["code"]) == ("failed", "memory")
        assert "memory" in done["message"]
        assert done["reference"] in mortal.log.read_text()
        assert sibling.result()[-1].data["state"] == "finished"
    grown = (mortal.memory_bytes() - before) / MB
    assert grown < 20, f"the server has grown by {grown:.0f} MB"


def test_row_4_a_training_that_raises_shows_a_reference_and_nothing_else(mortal: Server) -> None:
    with mortal.new_client() as reader:
        run_id = start(reader, "raises")
        events = read_stream(reader, run_id)
        done = events[-1].data
        assert (done["state"], done["code"]) == ("failed", "internal")
        bodies = [
            str(events),
            reader.get(f"/runs/{run_id}", headers={"Accept": "application/json"}).text,
            reader.get(f"/runs/{run_id}/metrics.csv").text,
        ]
    for secret in ("Traceback", "Error", "no-such-criterion", ".py"):
        assert not any(secret in body for body in bodies), secret
    _, _, logged = mortal.log.read_text().partition(f"reference={done['reference']} ")
    assert logged.partition("\n")[2].startswith("Traceback")
    assert "no-such-criterion" in logged


def test_row_5_numbers_that_are_not_finite_are_null_and_the_run_goes_on(mortal: Server) -> None:
    with mortal.new_client() as reader:
        events = read_stream(reader, start(reader, "explodes"))  # which reads strict JSON
    points = [event.data["values"] for event in events if event.name == "points"]
    assert any(None in values["test_loss"] for values in points)
    assert [event.data["state"] for event in events if event.name == "arm"] == ["diverged"]
    assert events[-1].data["state"] == "finished"


@pytest.mark.long
def test_row_6_workers_killed_again_and_again_are_back_within_20_seconds(mortal: Server) -> None:
    mortal.wait_until_ready()
    for kills in range(1, 6):
        killed = monotonic()
        send_signal({pid for pid in mortal.worker_pids() if is_alive(pid)})
        with mortal.new_client() as reader:
            wait_until(lambda: reader.get("/readyz").status_code == 503, "not ready")
            assert reader.get("/healthz").status_code == 200
            assert reader.get("/").status_code == 200
        if kills < 5:
            wait_until(lambda: monotonic() - killed >= 2, "two seconds are over")  # noqa: B023
    took = seconds_until_ready(mortal)
    assert took <= 20, f"healthy after {took:.1f} s"
    with mortal.new_client() as reader:
        following = read_stream(reader, json_body(post_run(reader, steps=10))["id"])
    assert following[-1].data["state"] == "finished"


@pytest.mark.long
def test_row_19_a_stopped_run_frees_its_slots_within_one_and_a_half_seconds(
    mortal: Server,
) -> None:
    mortal.wait_until_ready()
    times = []
    with mortal.new_client() as reader:
        for _ in range(3):
            run_id = json_body(post_run(reader, steps=400))["id"]
            with stream_events(reader, run_id) as events:
                next_event(events, "points")
            stopped = monotonic()
            assert reader.delete(f"/runs/{run_id}").status_code == 202
            with stream_events(reader, json_body(post_run(reader, steps=10))["id"]) as events:
                next_event(events, "started")
                times.append(monotonic() - stopped)
                next_event(events, "done")
    assert median(times) <= 1.5, f"the next run started after {times}"


def test_row_8_sigterm_gives_300_streams_their_end(serve: Serve) -> None:
    server = serve(workers=1)
    with server.new_client() as reader:
        path = json_body(post_run(reader, steps=400))["events"]
        readers = [open_stream(server, path) for _ in range(OPEN_STREAMS)]
        for each in readers:
            assert each.recv(12) == b"HTTP/1.1 200"
        workers = server.worker_pids()
        told_to_end = monotonic()
        server.process.terminate()
        code = server.process.wait(TIMEOUT)
        took = monotonic() - told_to_end
    assert code == 0
    assert took <= 5, f"ended after {took:.2f} s"
    for each in readers:
        with each:
            last = rest_of(each).rpartition(b"\nid: ")[2]
            assert b"\nevent: done\ndata: " in last
            assert b'"state":"stopped"' in last
            assert last.endswith(b"\r\n0\r\n\r\n")  # and the stream was closed in good order
    assert not any(map(is_alive, workers))
    assert "Traceback" not in server.log.read_text()


def test_row_7_a_server_killed_in_mid_run_leaves_no_worker(mortal: Server) -> None:
    """The last test here: it ends the server that the others share."""
    mortal.wait_until_ready()
    workers = mortal.worker_pids()
    assert len(workers) == 2
    with mortal.new_client() as reader:
        run_id = json_body(post_run(reader, steps=400))["id"]
        with stream_events(reader, run_id) as events:
            next_event(events, "points")
    os.kill(mortal.pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, workers)), "no worker is left", timeout=2)
