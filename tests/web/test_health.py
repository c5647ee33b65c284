import httpx

from tests.conftest import Serve
from tests.support.http_client import json_body


def test_the_server_is_alive_and_says_how_many_workers_are_warm(reader: httpx.Client) -> None:
    assert json_body(reader.get("/healthz")) == {"status": "alive"}
    assert json_body(reader.get("/readyz")) == {
        "ready": True,
        "slots": 2,
        "warm": 2,
        "problem": None,
        "store": None,
    }


def test_a_server_whose_workers_are_cold_is_alive_but_not_ready(serve: Serve) -> None:
    cold = serve(workers=1)
    with cold.new_client() as reader:
        assert json_body(reader.get("/healthz")) == {"status": "alive"}
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
