import json
import socket
from collections import Counter
from time import monotonic
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.experiments.catalogue.learning_rates import LearningRates
from app.web import protocol
from app.web.protocol import MAX_HEAD_BYTES
from app.web.security import SECURITY_HEADERS
from tests.support.http_client import RUNS_PATH
from tests.support.processes import TIMEOUT, wait_until
from tests.support.toy_server import FakeServer

HOST = b"Host: localhost\r\n"
GET = b"GET /healthz HTTP/1.1\r\n" + HOST
POST = f"POST {RUNS_PATH} HTTP/1.1\r\n".encode() + HOST
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"

FIELDS = set(LearningRates.model_fields)
SETTINGS = settings(max_examples=60, derandomize=True, deadline=None)


def ask(server: FakeServer, *sent: bytes) -> tuple[bytes, float]:
    """All that comes back until the server hangs up, and after how many seconds it did.

    A server that hangs up while we still speak resets the connection: what it said may be lost.
    """
    url = urlsplit(server.url)
    began, answer = monotonic(), b""
    with socket.create_connection((url.hostname, url.port), timeout=TIMEOUT) as connection:
        try:
            for piece in sent:
                connection.sendall(piece)
            while received := connection.recv(65536):
                answer += received
        except (ConnectionResetError, BrokenPipeError):
            pass
    return answer, monotonic() - began


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def assert_unharmed(server: FakeServer) -> None:
    answer, _ = ask(server, GET, b"Connection: close\r\n\r\n")
    assert status_of(answer) == 200


@pytest.mark.parametrize(
    "request_",
    [
        GET + b"a: " + b"x" * 1_000_000 + b"\r\n\r\n",
        GET + b"a: " + b"x" * 1_000_000,
        GET + b"x" * 1_000_000,
        GET + b"".join(b"a%d: b\r\n" % n for n in range(10_000)) + b"\r\n",
        GET + b"".join(b"a%d: b\r\n" % n for n in range(10_000)),
        b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /?" + b"x" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        GET + b"\r\n" + GET + b"a: " + b"x" * 1_000_000 + b"\r\n\r\n",
    ],
    ids=[
        *("a long header", "without an end", "a long name", "many headers", "many without an end"),
        *("a long target", "a long query", "behind another request"),
    ],
)
def test_a_head_that_is_too_large_ends_the_connection_at_once(
    fake_server: FakeServer, request_: bytes
) -> None:
    answer, seconds = ask(fake_server, request_)
    assert seconds < 1  # idle, a few milliseconds
    assert b" 200 " not in answer.rpartition(b"HTTP/1.1")[2]
    if len(request_) < MAX_HEAD_BYTES + 10_000:  # nothing of it is unread, and so nothing is lost
        head, _, body = answer.partition(b"\r\n\r\n")
        assert status_of(head) == json.loads(body)["status"] == 431
        for name, value in SECURITY_HEADERS.items():
            assert f"{name}: {value}".lower().encode() in head.lower()
    assert_unharmed(fake_server)


def test_a_head_just_within_the_bound_is_read(fake_server: FakeServer) -> None:
    rest = MAX_HEAD_BYTES - len(GET) - len(b"a: \r\nConnection: close\r\n\r\n")
    answer, _ = ask(fake_server, GET, b"a: " + b"x" * rest + b"\r\nConnection: close\r\n\r\n")
    assert status_of(answer) == 200


@pytest.mark.parametrize(
    "request_",
    [
        bytes(range(256)),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # the start of TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT elsewhere:1 HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n",
        POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        POST + b"Content-Length: 1\r\n" + CHUNKED + b"0\r\n\r\n",
        POST + "Content-Length: ²\r\n\r\nab".encode("latin-1"),
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        POST + CHUNKED + b"zz\r\n",
    ],
)
def test_what_is_no_request_is_refused(fake_server: FakeServer, request_: bytes) -> None:
    created = fake_server.created_runs
    answer, seconds = ask(fake_server, request_)
    assert status_of(answer) == 400
    assert seconds < 1
    assert fake_server.created_runs == created


def test_rubbish_behind_a_request_ends_the_connection(fake_server: FakeServer) -> None:
    answer, seconds = ask(fake_server, GET + b"\r\n" + b"\x00\xff rubbish\r\n\r\n")
    assert b"400" in answer
    assert seconds < 1


def test_many_requests_at_once_are_answered_one_by_one(fake_server: FakeServer) -> None:
    last = GET + b"Connection: close\r\n\r\n"
    answer, _ = ask(fake_server, (GET + b"\r\n") * 50 + last)
    assert answer.count(b"HTTP/1.1 200 OK") == 51


@pytest.mark.parametrize(
    "unfinished",
    [b"", b"\r\n", GET, POST + b"Content-Length: 9\r\n\r\n{", GET + b"\r\n" + GET],
    ids=["nothing", "a line's end", "a head", "a body", "a second head"],
)
def test_a_request_that_never_ends_does_not_live_for_ever(
    fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch, unfinished: bytes
) -> None:
    monkeypatch.setattr(protocol, "REQUEST_TIMEOUT_SECONDS", 0.2)
    created = fake_server.created_runs
    _, seconds = ask(fake_server, unfinished)  # returns when the server has hung up
    assert 0.19 <= seconds < 4  # its loop counts from its turn's start, in whole milliseconds
    assert fake_server.created_runs == created
    assert_unharmed(fake_server)


def test_who_leaves_in_mid_request_leaves_no_traceback(
    fake_server: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    answers: Counter[int] = fake_server.app.state.responses_by_status
    before, created = answers[400], fake_server.created_runs
    url = urlsplit(fake_server.url)
    with socket.create_connection((url.hostname, url.port), timeout=TIMEOUT) as connection:
        connection.sendall(POST + b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
    wait_until(lambda: answers[400] > before, "the server has noticed")
    assert fake_server.created_runs == created
    assert [it for it in caplog.records if it.exc_info or it.levelname == "ERROR"] == []


def test_what_is_sent_behind_a_refusal_is_not_read_without_end(fake_server: FakeServer) -> None:
    endless = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    answer, _ = ask(fake_server, POST + CHUNKED, *[endless] * 100)
    assert answer == b"" or status_of(answer) in (413, 415)
    trailer = b"0\r\na: " + b"x" * 5_000_000
    ask(fake_server, POST + CHUNKED + trailer)  # hangs up by itself
    assert_unharmed(fake_server)


NAMES = st.text("abcxyz-", min_size=1, max_size=12)
PRINTABLE = st.binary(max_size=60).map(
    lambda value: bytes(byte for byte in value if byte >= 0x20 and byte != 0x7F)
)


@SETTINGS
@given(
    target=st.binary(max_size=60).map(lambda raw: b"".join(b"%%%02x" % byte for byte in raw)),
    query=PRINTABLE.map(lambda value: value.replace(b" ", b"+")),
    method=st.sampled_from([b"GET", b"POST", b"DELETE", b"HEAD", b"PUT", b"OPTIONS"]),
    place=st.sampled_from([b"/", b"/runs/", b"/experiments/", b"/comments", b"/static/"]),
    headers=st.lists(st.tuples(NAMES.map(str.encode), PRINTABLE), max_size=5),
    known=st.dictionaries(
        st.sampled_from(
            [
                *(b"Accept", b"Accept-Encoding", b"Cookie", b"Content-Type", b"HX-Request"),
                *(b"Idempotency-Key", b"If-None-Match", b"If-Modified-Since", b"Last-Event-ID"),
                *(b"Origin", b"Range", b"Sec-Fetch-Site", b"X-Forwarded-For", b"Forwarded"),
            ]
        ),
        PRINTABLE,
        max_size=4,
    ),
)
def test_no_target_query_or_header_breaks_the_server_or_trains(
    fake_server: FakeServer,
    target: bytes,
    query: bytes,
    method: bytes,
    place: bytes,
    headers: list[tuple[bytes, bytes]],
    known: dict[bytes, bytes],
) -> None:
    created = fake_server.created_runs
    lines = b"".join(b"%s: %s\r\n" % pair for pair in [*headers, *known.items()])
    first = b"%s %s%s?%s HTTP/1.1\r\n" % (method, place, target, query)
    answer, _ = ask(fake_server, first + HOST + lines + b"Connection: close\r\n\r\n")
    assert answer == b"" or status_of(answer) < 500, answer
    assert fake_server.created_runs == created


@SETTINGS
@given(
    path=st.sampled_from([RUNS_PATH, "/comments"]),
    kind=st.sampled_from(
        [
            *("application/json", "application/x-www-form-urlencoded", "text/plain"),
            *("multipart/form-data; boundary=x", "multipart/form-data", "application/json; a=b"),
        ]
    ),
    body=st.binary(min_size=1, max_size=200)
    | st.text(st.characters(exclude_categories=()), max_size=80).map(
        lambda text: json.dumps({text: 1}).encode()
    )
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from([*sorted(FIELDS), ""]), inner)
        ),
    ).map(lambda value: json.dumps(value).encode()),
)
@example(path="/comments", kind="application/json", body=b'{"\\ud800": 1}')
@example(path="/comments", kind="application/json", body=b'{"name": "\\ud800", "text": "a"}')
@example(path=RUNS_PATH, kind="application/json", body=b"[" * 10_000)
def test_no_body_breaks_the_server_and_none_trains_that_names_no_setting(
    fake_server: FakeServer, path: str, kind: str, body: bytes
) -> None:
    created = fake_server.created_runs
    with fake_server.new_client() as reader:
        answer = reader.post(path, content=body, headers={"Content-Type": kind})
    assert answer.status_code < 500, answer.text
    assert fake_server.created_runs - created == (answer.status_code == 201)
    if answer.status_code == 201 and kind.startswith("application/json"):
        assert set(json.loads(body)) <= FIELDS
