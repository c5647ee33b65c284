import logging
from collections import Counter

import pytest

from app.logging_config import TextFormatter
from tests.support.http_client import RUNS_PATH
from tests.support.toy_server import FakeServer


@pytest.fixture(autouse=True)
def _all_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="app.web.access_log")


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    records = (record for record in caplog.records if record.name == "app.web.access_log")
    return [TextFormatter().format(record) for record in records]


def test_a_change_is_one_line_whether_it_is_made_or_refused(
    fake_server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    with fake_server.new_client() as reader:
        reader.post(RUNS_PATH, json={"steps": 10})
        reader.post(RUNS_PATH, json={"steps": 10}, headers={"Origin": "https://elsewhere.example"})
        reader.put("/a%0Aforged line%1b")
    made, foreign, forged = lines(caplog)
    assert f"[method=POST path={RUNS_PATH} status=201 ms=" in made
    assert f"[method=POST path={RUNS_PATH} status=403 ms=" in foreign
    assert "path=/a%0Aforged%20line%1b" in forged
    assert "127.0.0.1" not in made


def test_to_look_leaves_no_line_but_is_counted(
    fake_server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    answers: Counter[int] = fake_server.app.state.responses_by_status
    before = answers[200], answers[404]
    with fake_server.new_client() as reader:
        reader.get("/experiments")
        reader.get("/no-such-page")
    assert (answers[200], answers[404]) == (before[0] + 1, before[1] + 1)
    assert lines(caplog) == []


def test_a_path_without_end_is_cut_in_the_log(
    fake_server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    with fake_server.new_client() as reader:
        reader.post("/" + "x" * 5000)
    (line,) = lines(caplog)
    assert len(line) < 500
