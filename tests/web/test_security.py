import gzip
import json
import re
from collections.abc import Iterator

import httpx
import pytest

from app.web.security import SECURITY_HEADERS
from tests.support.http_client import RUNS_PATH, FinishedRun, json_body, post_run, problem_body
from tests.support.processes import Server

JSON = {"Content-Type": "application/json"}


def assert_guarded(answer: httpx.Response) -> None:
    """Every header of the policy is there, once, and the server's name is not."""
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers.get_list(name) == [value]
    assert "server" not in answer.headers


def test_the_policy_lets_nothing_in_from_elsewhere() -> None:
    policy = dict(
        part.split(" ", 1) for part in SECURITY_HEADERS["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == policy["object-src"] == "'none'"
    assert "unsafe" not in SECURITY_HEADERS["Content-Security-Policy"]
    assert SECURITY_HEADERS["X-Content-Type-Options"] == "nosniff"
    assert SECURITY_HEADERS["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/experiments", 200),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/no-such-page", 404),
        ("GET", "/runs/no-such-run", 404),
        ("GET", "/runs/no-such-run/events", 404),
        ("GET", "/static/no-such-version/js/article.js", 404),
        ("GET", "/..%2f..%2fetc%2fpasswd", 404),
        ("PUT", "/", 405),
        ("DELETE", "/runs/no-such-run", 404),
        ("POST", "/experiments/no-such/runs", 404),
    ],
)
def test_every_answer_carries_the_headers(
    reader: httpx.Client, method: str, path: str, status: int
) -> None:
    answer = reader.request(method, path)
    assert answer.status_code == status
    assert_guarded(answer)
    if status >= 400:
        problem_body(answer, status)


def test_the_files_of_the_page_carry_the_headers(reader: httpx.Client) -> None:
    page = reader.get("/").text
    paths = [word for word in page.split('"') if word.startswith("./static/")]
    assert paths
    for path in set(paths):
        answer = reader.get(path)
        assert answer.status_code == 200, path
        assert_guarded(answer)
        assert "immutable" in answer.headers["cache-control"]


def test_a_stream_and_its_end_and_the_numbers_carry_the_headers(finished: FinishedRun) -> None:
    last = {"Last-Event-ID": str(len(finished.events))}
    assert_guarded(finished.reader.get(f"{finished.path}/events"))
    assert_guarded(finished.reader.get(f"{finished.path}/events", headers=last))
    assert_guarded(finished.reader.get(f"{finished.path}/metrics.csv"))
    assert_guarded(finished.reader.get(finished.path))


def test_every_refusal_carries_the_headers(reader: httpx.Client) -> None:
    refusals = [
        post_run(reader, seed=-1),
        reader.post(RUNS_PATH, content=b"a" * 20_000, headers=JSON),
        reader.post(RUNS_PATH, content=b"a", headers={"Content-Type": "text/plain"}),
        reader.post(RUNS_PATH, headers={"Origin": "https://elsewhere.example"}),
        reader.get("/", headers={"Host": "elsewhere.example"}),
    ]
    assert [answer.status_code for answer in refusals] == [422, 413, 415, 403, 400]
    for answer in refusals:
        assert_guarded(answer)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://["},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "nonsense"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "null", "HX-Request": "true"},
    ],
)
def test_a_change_that_another_sites_page_asks_for_is_refused(
    reader: httpx.Client, finished: FinishedRun, headers: dict[str, str]
) -> None:
    problem_body(reader.post(RUNS_PATH, json={"steps": 10}, headers=headers), 403)
    problem_body(finished.reader.delete(finished.path, headers=headers), 403)


@pytest.mark.parametrize("site", ["same-origin", "none", None])
def test_a_change_from_our_own_page_or_from_no_browser_is_allowed(
    reader: httpx.Client, server: Server, site: str | None
) -> None:
    headers = {"Sec-Fetch-Site": site, "Origin": server.url} if site else {}
    answer = reader.post(RUNS_PATH, json={"steps": 400}, headers=headers)
    assert answer.status_code == 201
    assert reader.delete(answer.headers["location"], headers=headers).status_code == 202


def test_to_look_is_allowed_from_anywhere(reader: httpx.Client) -> None:
    """A link on another site leads here."""
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"}
    assert reader.get("/experiments", headers=headers).status_code == 200


def test_a_body_that_is_too_large_is_refused(reader: httpx.Client) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
        answer = reader.post(RUNS_PATH, content=b" " * 1_000_000, headers={"Content-Type": kind})
        problem_body(answer, 413)


def test_a_body_of_unknown_size_is_refused_when_it_grows_too_large(reader: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 1000

    problem_body(reader.post(RUNS_PATH, content=chunks(), headers=JSON), 413)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "image/png", ""])
def test_a_body_of_another_kind_is_refused(reader: httpx.Client, kind: str) -> None:
    answer = reader.post(RUNS_PATH, content=b'{"steps": 10}', headers={"Content-Type": kind})
    problem_body(answer, 415)


def test_a_form_with_a_file_or_countless_fields_is_refused(reader: httpx.Client) -> None:
    many = {f"field{number}": "1" for number in range(200)}
    for answer in (
        reader.post(RUNS_PATH, files={"seed": ("seed.txt", b"7")}),
        reader.post(RUNS_PATH, data=many),
        reader.post(RUNS_PATH, files={name: (None, value) for name, value in many.items()}),
    ):
        assert 400 <= answer.status_code < 500
        problem_body(answer, answer.status_code)


@pytest.mark.parametrize("host", ["elsewhere.example", "127.0.0.1.elsewhere.example", "", "a b"])
def test_a_host_that_is_not_ours_is_refused(reader: httpx.Client, host: str) -> None:
    for path in ("/", "/experiments", "/comments", "/no-such-page"):
        assert reader.get(path, headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:8000", "[::1]:8000"])
def test_every_name_of_this_machine_is_ours(reader: httpx.Client, host: str) -> None:
    assert reader.get("/healthz", headers={"Host": host}).status_code == 200


def test_the_session_is_out_of_reach_of_scripts_and_of_other_sites(reader: httpx.Client) -> None:
    cookie = reader.get("/").headers["set-cookie"].lower()
    assert re.match("reader-[0-9a-f]{8}=", cookie)
    assert "httponly" in cookie
    assert "samesite=lax" in cookie or "samesite=strict" in cookie


def test_a_parameter_that_is_markup_is_never_markup(reader: httpx.Client) -> None:
    markup = "<script>alert(1)</script>"
    answer = post_run(reader, placement=markup)
    assert answer.headers["content-type"] == "application/problem+json"
    assert json.dumps(problem_body(answer, 422))
    shown = reader.get(f"/runs/{markup}")
    assert shown.headers["content-type"] == "application/problem+json"
    assert markup not in shown.text


def test_the_interactive_docs_which_load_from_elsewhere_are_off(reader: httpx.Client) -> None:
    for path in ("/docs", "/redoc"):
        problem_body(reader.get(path), 404)


def test_the_answers_are_json_where_json_is_promised(reader: httpx.Client) -> None:
    for path in ("/experiments", "/healthz", "/readyz"):
        answer = reader.get(path)
        assert answer.headers["content-type"].startswith("application/json")
        json_body(answer)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br"])
def test_a_packed_body_is_told_to_come_unpacked(reader: httpx.Client, encoding: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    answer = reader.post(RUNS_PATH, content=gzip.compress(b"{}"), headers=headers)
    assert "not packed" in problem_body(answer, 415)["detail"]
    headers["Content-Encoding"] = "identity"
    assert reader.post(RUNS_PATH, content=b"{}", headers=headers).status_code == 201
