"""Rows 15, 23 and 24: the same request twice, hostile requests, other people's runs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from time import monotonic

import httpx
import pytest

from tests.conftest import NewReader
from tests.support.http_client import RUNS_PATH, json_body, post_run, problem_body
from tests.support.processes import Server

SCRIPT = "<script>alert(1)</script>"
JSON = {"Content-Type": "application/json"}

Ask = Callable[[httpx.Client], httpx.Response]


def post(**sent: object) -> Ask:
    """Asks for a run."""
    return lambda reader: reader.post(RUNS_PATH, **sent)  # type: ignore[arg-type]


def get(path: str, **headers: str) -> Ask:
    return lambda reader: reader.get(path, headers=headers)


HOSTILE: dict[str, tuple[Ask, int]] = {
    "1 MB body": (post(content=b" " * 1_000_000, headers=JSON), 413),
    "1 MB form": (post(data={"seed": "1" * 1_000_000}), 413),
    "1 MB of chunks": (
        lambda reader: reader.post(
            RUNS_PATH, content=(b" " * 10_000 for _ in range(100)), headers=JSON
        ),
        413,
    ),
    "deep JSON": (post(content=b"[" * 16_000, headers=JSON), 422),
    "huge number": (post(json={"seed": 10**300}), 422),
    "huger number": (post(content=b'{"seed": 1' + b"0" * 9_000 + b"}", headers=JSON), 422),
    "huge float": (post(content=b'{"gamma0": 1e999}', headers=JSON), 422),
    "negative number": (post(json={"steps": -1}), 422),
    "true for a number": (post(json={"seed": True}), 422),
    "text for a number": (post(json={"seed": "7"}), 422),
    "extra field": (post(json={"seed": 1, "__class__": "x"}), 422),
    "script for a choice": (post(json={"placement": SCRIPT}), 422),
    "script for a name": (post(json={SCRIPT: 1}), 422),
    "script in a form": (post(data={"placement": SCRIPT}), 422),
    "script for a slug": (lambda reader: reader.post(f"/experiments/{SCRIPT}/runs"), 404),
    "script for a run": (get(f"/runs/{SCRIPT}"), 404),
    "script for an id": (get(f"/runs/x/events?last_event_id={SCRIPT}"), 404),
    "bad host": (get("/", Host="elsewhere.example"), 400),
    "script for a host": (get("/", Host=SCRIPT), 400),
    "foreign origin": (
        post(headers={"Origin": "https://elsewhere.example"}),
        403,
    ),
    "foreign site": (post(headers={"Sec-Fetch-Site": "cross-site"}), 403),
    "null origin": (post(headers={"Origin": "null"}), 403),
    "up and out": (get("/..%2f..%2f..%2fetc/passwd"), 404),
    "up and out of the assets": (get("/static/..%2f..%2fapp/main.py"), 404),
    "NUL": (get("/%00"), 404),
    "script for a comment that is too long": (
        lambda reader: reader.post("/comments", json={"name": "Ann", "text": SCRIPT * 400}),
        422,
    ),
    "no comment": (lambda reader: reader.post("/comments", json={"name": SCRIPT}), 422),
}


@pytest.fixture(scope="module")
def runs_before(server: Server) -> str:
    """What the server had logged of runs before these tests."""
    return runs_in(server)


def runs_in(server: Server) -> str:
    """The lines of its log that a new run leaves."""
    return "\n".join(
        line for line in server.log.read_text().splitlines() if "app.runs.scheduler: run" in line
    )


@pytest.mark.parametrize("what", HOSTILE)
def test_row_23_what_is_hostile_is_refused_within_100_ms(
    server: Server, reader: httpx.Client, runs_before: str, what: str
) -> None:
    ask, status = HOSTILE[what]
    times = []
    for _ in range(5):
        asked = monotonic()
        answer = ask(reader)
        times.append(monotonic() - asked)
        assert 400 <= answer.status_code < 500
        assert SCRIPT not in answer.text
        assert "root:" not in answer.text
    assert answer.status_code == status
    assert median(times) <= 0.1, times
    assert runs_in(server) == runs_before


def test_row_23_a_script_in_a_comment_is_text(reader: httpx.Client) -> None:
    sent = {"name": SCRIPT, "text": SCRIPT}
    answer = reader.post("/comments", json=sent, headers={"HX-Request": "true"})
    assert answer.status_code == 201
    assert SCRIPT not in answer.text
    assert answer.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 2


def test_row_15_the_same_key_gives_the_same_run(reader: httpx.Client) -> None:
    first, second = (json_body(post_run(reader, key="double-click", steps=400)) for _ in range(2))
    assert first["id"] == second["id"]
    assert first["seed"] == second["seed"]
    assert reader.delete(f"/runs/{first['id']}").status_code == 202


def test_row_15_the_same_key_at_once_gives_one_run(reader: httpx.Client) -> None:
    reader.get("/")  # as a browser's, all eight clicks are of one session
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: post_run(reader, key="at-once", steps=400), range(8)))
    created = {json_body(answer)["id"] for answer in answers}
    assert len(created) == 1
    assert reader.delete(f"/runs/{created.pop()}").status_code == 202


def test_row_24_nobody_else_stops_a_run(new_reader: NewReader) -> None:
    owner, other = new_reader(), new_reader()
    path = post_run(owner, steps=400).headers["location"]
    problem_body(other.delete(path), 403)
    other.cookies.set("reader", "eyJyZWFkZXIiOiAiYSJ9.forged.signature")
    problem_body(other.delete(path), 403)
    receipt = json_body(owner.get(path, headers={"Accept": "application/json"}))
    assert receipt["state"] in ("queued", "running")
    assert owner.delete(path).status_code == 202


def test_row_24_who_floods_a_run_with_stops_is_refused_each_time(new_reader: NewReader) -> None:
    owner, other = new_reader(), new_reader()
    path = post_run(owner, steps=400).headers["location"]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: other.delete(path).status_code, range(200)))
    assert set(answers) == {403}
    receipt = json_body(owner.get(path, headers={"Accept": "application/json"}))
    assert receipt["state"] in ("queued", "running")
    assert owner.delete(path).status_code == 202


def test_row_24_the_id_of_a_run_can_not_be_guessed(new_reader: NewReader) -> None:
    """16 letters of 64 are 96 bits; no two of these have a letter's place in common by rule."""
    ids = []
    for _ in range(12):
        created = json_body(post_run(reader := new_reader(), steps=10))
        ids.append(created["id"])
        reader.delete(f"/runs/{created['id']}")
    assert all(len(run_id) >= 16 for run_id in ids)
    assert all(len(set(letters)) > 3 for letters in zip(*ids, strict=True)), ids
