from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.main import create_app
from app.settings import Settings
from app.store import Store
from tests.support.http_client import json_body, post_run, problem_body, read_stream
from tests.support.processes import Server
from tests.support.toy_server import FakeServer

Values = dict[tuple[str, str], float]


def metrics_of(reader: httpx.Client) -> Values:
    """By name and by the one label that a metric has."""
    answer = reader.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (
            sample.name.removeprefix("batchnorm_"),
            next(iter(sample.labels.values()), ""),
        ): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def growth(before: Values, after: Values) -> Values:
    """What changed, and by how much."""
    return {
        key: value - before.get(key, 0)
        for key, value in after.items()
        if value != before.get(key, 0)
    }


def test_a_run_moves_the_numbers(server: Server) -> None:
    """More may move them than this run: another test's, which still trains."""
    with server.new_client() as reader:
        before = metrics_of(reader)
        assert before["slots", ""] == before["warm_slots", ""] == 2
        assert before["process_resident_memory_bytes", ""] > 10e6
        events = read_stream(reader, json_body(post_run(reader, steps=10, seed=1))["id"])
        grown = growth(before, metrics_of(reader))
    points = sum(len(event.data["step"]) for event in events if event.name == "points")
    told = sum(event.name in ("points", "row", "arm") for event in events)
    least = {
        ("runs_created_total", ""): 1,
        ("runs_ended_total", "finished"): 1,
        ("trainings_total", "finished"): 4,
        ("points_total", ""): points,
        ("events_total", ""): told,
        ("streams_total", ""): 1,
        ("streamed_bytes_total", ""): 1000,
        ("answers_total", "201"): 1,
        ("wait_seconds_count", ""): 1,
        ("wait_seconds_bucket", "+Inf"): 1,
        ("training_seconds_count", ""): 4,
    }
    assert {key: grown.get(key, 0) for key in least if grown.get(key, 0) < least[key]} == {}
    assert grown["runs_created_total", ""] == 1
    assert grown["wait_seconds_sum", ""] > 0
    assert grown["training_seconds_sum", ""] > 0


def test_a_store_that_can_not_be_used_shows(fake_server: FakeServer) -> None:
    store: Store = fake_server.app.state.store
    with fake_server.new_client() as reader:
        assert metrics_of(reader)["store_problem", ""] == 0
        store.path.rename(store.path.with_suffix(".away"))
        store.path.mkdir()
        assert reader.get("/comments").status_code == 503
        assert metrics_of(reader)["store_problem", ""] == 1
        store.path.rmdir()
        store.path.with_suffix(".away").rename(store.path)
        assert reader.get("/comments").status_code == 200
        assert metrics_of(reader)["store_problem", ""] == 0


@pytest.mark.anyio
async def test_the_numbers_are_nobodys_business_unless_they_are_switched_on(tmp_path: Path) -> None:
    transport = httpx.ASGITransport(create_app(Settings(cache_dir=tmp_path)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as reader:
        problem_body(await reader.get("/metrics"), 404)
