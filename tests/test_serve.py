import json
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.serve import EXTRA_FILES
from tests.conftest import Serve
from tests.support.http_client import (
    RUNS_PATH,
    json_body,
    next_event,
    post_run,
    problem_body,
    read_stream,
    stream_events,
)
from tests.support.processes import ROOT, TIMEOUT, Server, environment, send_signal


def refused_start(**settings: object) -> subprocess.CompletedProcess[str]:
    """A start that must end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "app"],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def test_the_server_process_never_loads_torch_nor_ray(server: Server) -> None:
    with server.new_client() as reader:
        assert reader.get("/").status_code == 200
        read_stream(reader, json_body(post_run(reader, steps=10))["id"])
    mapped = Path(f"/proc/{server.pid}/maps").read_text()
    assert "pydantic" in mapped
    assert "torch" not in mapped
    assert "_raylet" not in mapped


def test_the_address_and_scheme_that_a_proxy_gives_are_believed_from_trusted_ones_alone(
    server: Server, serve: Serve
) -> None:
    elsewhere = serve(trusted_proxies="192.0.2.1,10.0.0.0/8", workers=1)
    schemes = []
    for running in (server, elsewhere):
        with running.new_client() as reader:
            forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
            schemes.append("secure" in reader.get("/", headers=forwarded).headers["set-cookie"])
    assert schemes == [True, False]


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "abc"), ("WORKERS", "0"), ("ENGINE", "threads")]
)
def test_a_bad_setting_stops_the_start_with_one_line(name: str, value: str) -> None:
    ended = refused_start(**{name: value})
    assert ended.returncode == 2
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"BATCHNORM_{name}: ")


def test_an_address_that_is_taken_stops_the_start_with_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = refused_start(port=taken.getsockname()[1], workers=1)
    assert ended.returncode != 0
    assert ended.stdout == ""
    assert "address already in use" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_told_to_end_before_it_is_warm_ends_in_good_order(
    serve: Serve, how: signal.Signals
) -> None:
    server = serve(workers=1)
    with (
        server.new_client() as reader,
        stream_events(reader, json_body(post_run(reader))["id"]) as events,
    ):
        next_event(events, "queued")
        server.process.send_signal(how)
        assert next_event(events, "done").data["state"] == "stopped"
        assert list(events) == []
    assert server.process.wait(TIMEOUT) == 0
    assert "Traceback" not in server.log.read_text()


def test_the_soft_bound_on_open_files_is_raised_for_the_streams(serve: Serve) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    low = 256
    resource.setrlimit(resource.RLIMIT_NOFILE, (low, hard))
    try:
        server = serve(workers=1, streams=1000)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert resource.prlimit(server.pid, resource.RLIMIT_NOFILE)[0] == 1000 + EXTRA_FILES


@pytest.mark.long
def test_every_line_of_the_log_is_json_and_a_failure_is_found_by_its_reference(
    serve: Serve,
) -> None:
    mortal = serve(workers=1, log_format="json")
    with mortal.new_client() as reader:
        problem_body(post_run(reader, steps=1), 422)
        run = json_body(post_run(reader, steps=400))
        with stream_events(reader, run["id"]) as events:
            next_event(events, "points")
            lost = mortal.worker_pids()
            send_signal(lost)
            done = next_event(events, "done").data
        reader.get("/", headers={"User-Agent": "telling"})
    log = mortal.log.read_text()
    told = [json.loads(line) for line in log.splitlines()]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in told)
    assert "telling" not in log
    assert "127.0.0.1" not in log

    (failure,) = [line for line in told if line.get("reference") == done["reference"]]
    assert failure["worker"] in lost
    about = {"run": run["id"], "slug": "learning-rates", "seed": run["seed"]}
    assert failure.items() >= {**about, "level": "ERROR", "code": "worker_lost"}.items()
    answers = [line for line in told if line["logger"] == "app.web.access_log"]
    assert [(it["method"], it["path"], it["status"]) for it in answers[-2:]] == [
        ("POST", RUNS_PATH, 422),
        ("POST", RUNS_PATH, 201),
    ]
