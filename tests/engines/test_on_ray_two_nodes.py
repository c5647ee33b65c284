"""A run spread over two Ray nodes, both on this machine, set up as docs/deployment.md says."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.conftest import Serve
from tests.support.http_client import json_body, post_run, read_stream
from tests.support.processes import (
    ROOT,
    TIMEOUT,
    Server,
    descendant_commands,
    is_alive,
    send_signal,
    wait_until,
)

pytestmark = pytest.mark.long

RAY = str(Path(sys.executable).with_name("ray"))


@contextmanager
def ray_node(log: Path, *arguments: str) -> Iterator[None]:
    """`ray start` with one processor; returns when it has joined, ends it and all it started."""
    with (
        log.open("w") as output,
        subprocess.Popen(
            [RAY, "start", "--block", "--num-cpus=1", "--object-store-memory=80000000", *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        ) as process,
    ):
        try:
            wait_until(lambda: "Ray runtime started" in log.read_text(), "a Ray node", 2 * TIMEOUT)
            yield
        finally:
            everything = set(descendant_commands(process.pid))
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(TIMEOUT)
            process.kill()
            send_signal({pid for pid in everything if is_alive(pid)})


@pytest.fixture
def two_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a cluster of two nodes that know one token."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 4)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    with ExitStack() as nodes:
        head = tmp_path / "head.log"
        # A socket's path may have 107 characters: pytest's own folder is too deep.
        folder = nodes.enter_context(tempfile.TemporaryDirectory(prefix="ray-"))
        nodes.enter_context(
            ray_node(
                head, "--head", "--port=0", "--include-dashboard=false", f"--temp-dir={folder}"
            )
        )
        address = re.search(r"ray start --address='(\S+)'", head.read_text())
        assert address, head.read_text()
        nodes.enter_context(ray_node(tmp_path / "second.log", f"--address={address[1]}"))
        yield address[1]


def digest(server: Server) -> str:
    """Of one figure with three seeds: twelve trainings, two by two."""
    with server.new_client() as reader:
        run_id = json_body(post_run(reader, seed=5, seeds=3, steps=20))["id"]
        assert read_stream(reader, run_id)[-1].data["state"] == "finished"
        receipt = reader.get(f"/runs/{run_id}", headers={"Accept": "application/json"})
        return str(json_body(receipt)["digest"])


def test_a_run_on_two_nodes_measures_the_same_numbers_as_workers_do(
    serve: Serve, server: Server, two_nodes: str
) -> None:
    on_ray = serve(engine="ray", ray_address=two_nodes, workers=1)
    with on_ray.new_client() as reader:
        # A node is busy for seconds once it has started, and then its process imports torch.
        wait_until(lambda: reader.get("/readyz").is_success, "both nodes warm", 3 * TIMEOUT)
        assert json_body(reader.get("/readyz"))["slots"] == 2
    assert digest(on_ray) == digest(server)
    trained = re.findall(r", seed \d+: process \d+ on node (\w+)", on_ray.log.read_text())
    # Of each seed four networks, two of which step in turn in one process.
    assert len(trained) == 6
    assert len(set(trained)) == 2
