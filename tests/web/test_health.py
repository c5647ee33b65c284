from pathlib import Path

import httpx

from tests.conftest import Serve
from tests.processes import Server, wait_until
from tests.web.asking import RUNS, json_of, problem_of


def test_the_server_is_alive_and_says_how_many_workers_are_warm(reader: httpx.Client) -> None:
    assert json_of(reader.get("/healthz")) == {"status": "alive"}
    assert json_of(reader.get("/readyz")) == {
        "ready": True,
        "slots": 2,
        "warm": 2,
        "problem": None,
        "store": None,
    }


def test_a_server_whose_workers_are_cold_is_alive_but_not_ready(serve: Serve) -> None:
    cold = serve(workers=1)
    with cold.visitor() as reader:
        assert json_of(reader.get("/healthz")) == {"status": "alive"}
        answer = reader.get("/readyz")
    if answer.status_code != 200:  # it has not warmed up in the meantime
        assert answer.status_code == 503
        assert answer.json() == {
            "ready": False,
            "slots": 1,
            "warm": 0,
            "problem": None,
            "store": None,
        }


def test_with_altered_data_the_article_is_served_and_training_is_refused(
    serve: Serve, broken_data: Path
) -> None:
    server = serve(workers=1, data_dir=broken_data)
    with server.visitor() as reader:
        early = reader.post(RUNS, json={"steps": 10})  # the workers have not looked yet
        assert_says_why(server, reader, broken_data)

        refused = reader.post(RUNS, json={"steps": 10})
        problem_of(refused, 503)
        assert int(refused.headers["retry-after"]) >= 1
        assert str(broken_data) not in refused.text

        page = reader.get("/")
        assert page.status_code == 200
        assert 'data-figure="learning-rates"' in page.text
        assert reader.get("/healthz").status_code == 200

        if early.status_code == 201:
            # Whoever got in before is told of the end, instead of waiting for ever.
            path = early.headers["location"]
            wait_until(lambda: state_of(reader, path) == "failed", "the early run failed", 10)


def state_of(reader: httpx.Client, path: str) -> object:
    return json_of(reader.get(path, headers={"Accept": "application/json"}))["state"]


def assert_says_why(server: Server, reader: httpx.Client, data_dir: Path) -> None:
    wait_until(lambda: reader.get("/readyz").json()["problem"] is not None, "the problem is known")
    answer = reader.get("/readyz")
    assert answer.status_code == 503
    health = answer.json()
    assert (health["ready"], health["warm"]) == (False, 0)
    assert "t10k-labels-idx1-ubyte.gz" in health["problem"]
    assert str(data_dir) not in answer.text

    told = [line for line in server.log.read_text().splitlines() if str(data_dir) in line]
    assert len(told) == 1  # once, whatever the number of attempts
    assert "t10k-labels-idx1-ubyte.gz" in told[0]
