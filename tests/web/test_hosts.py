"""Names of the server: which a request may use, and what a refused one is told."""

import http.client
import logging
import socket
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.datastructures import Headers

from app.settings import Settings
from app.web.hosts import MAX_LOGGED_HOSTS, AllowedHosts, parse_authority, parse_origin
from tests.support.http_client import problem_body

MACHINE = socket.gethostname().partition(".")[0].lower()


def is_allowed(name: str, **settings: object) -> bool:
    hosts = AllowedHosts(Settings.model_validate(settings))
    return hosts.rejection_reason(Headers({"host": name})) is None


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.1:1", "LOCALHOST", "localhost.", "localhost.:8000", "[::1]:8000"),
        *("[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", " localhost "),
    ],
)
def test_the_loopback_names_are_allowed_however_they_are_written(host: str) -> None:
    assert is_allowed(host)


@pytest.mark.parametrize(
    "host",
    [
        *("localhost:0", "localhost:99999", "localhost:8000:1", "localhost:x"),
        *("", " ", ":8000", "localhost..", "a b", "evil.example", "localhost.evil.example"),
        *("127.0.0.1.evil.example", "127.0.0.1@evil.example", "evil.example#localhost"),
        *("[localhost]", "[::1", "[::1]8000", "[::1]:x", "[]", "::1", "127.1", "2130706433"),
        *("localhost/evil", "localhost\x00", "löcalhost", "192.0.2.7", "[2001:db8::1]", "x" * 999),
    ],
)
def test_a_name_that_nobody_allowed_is_refused(host: str) -> None:
    assert not is_allowed(host)


@pytest.mark.parametrize("wildcard", ["0.0.0.0", "::", "[::]"])
@pytest.mark.parametrize(
    "host",
    [
        *("192.168.1.5:8000", "10.0.0.1", "0.0.0.0:8000", "[fe80::1]:8000", "[2001:db8::1]"),
        *("[fe80::1%25eth0]", MACHINE, f"{MACHINE.upper()}.", f"{MACHINE}.local:8000", "localhost"),
    ],
)
def test_a_server_that_listens_on_all_addresses_answers_to_each_and_to_its_own_name(
    wildcard: str, host: str
) -> None:
    assert is_allowed(host, host=wildcard)
    assert not is_allowed("rebound.example", host=wildcard)
    assert not is_allowed("192.168.1.5.rebound.example", host=wildcard)


def test_a_server_that_listens_on_one_address_answers_to_it_and_to_its_own_name() -> None:
    assert is_allowed("192.168.1.5:8000", host="192.168.1.5")
    assert is_allowed(f"{MACHINE}.local", host="192.168.1.5")
    assert not is_allowed("192.168.1.6", host="192.168.1.5")
    assert not is_allowed(MACHINE, host="127.0.0.1")
    assert is_allowed("[::1]", host="::1")


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("a.example", "A.Example.:443"),
        ("A.EXAMPLE.", "a.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example:80"),
        ("*.example", "deep.below.example"),
        ("2001:db8::1", "[2001:DB8:0::1]"),
        ("*", "whatever.example"),
    ],
)
def test_an_allowed_name_is_known_in_each_of_its_forms(allowed: str, host: str) -> None:
    assert is_allowed(host, allowed_hosts=allowed)
    assert allowed == "*" or not is_allowed("b.test", allowed_hosts=allowed)


def test_the_public_address_is_allowed() -> None:
    assert is_allowed("a.example", public_url="https://a.example:8443/bn")


def test_several_hosts_or_none_are_refused() -> None:
    hosts = AllowedHosts(Settings())
    twice = [(b"host", b"localhost"), (b"host", b"localhost")]
    assert hosts.rejection_reason(Headers(raw=twice))
    assert hosts.rejection_reason(Headers(raw=[]))


def test_a_refused_name_is_told_the_setting_once_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hosts = AllowedHosts(Settings())
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            refusal = hosts.rejection_reason(Headers({"host": "Lab.Example:8000"}))
            assert refusal
            assert "BATCHNORM_ALLOWED_HOSTS=lab.example" in refusal
        assert len(caplog.messages) == 1
        assert "BATCHNORM_ALLOWED_HOSTS=lab.example" in caplog.text
        for number in range(100):
            hosts.rejection_reason(Headers({"host": f"scan{number}.example"}))
            hosts.rejection_reason(Headers(raw=[(b"host", b"<b>\n\x1b[31m%d" % number)]))
        assert len(caplog.messages) == MAX_LOGGED_HOSTS


def test_a_refused_host_is_told_the_setting_on_the_page_and_in_json(reader: httpx.Client) -> None:
    lab = {"Host": "lab.example:8000"}
    detail = problem_body(reader.get("/experiments", headers=lab), 400)["detail"]
    assert "BATCHNORM_ALLOWED_HOSTS=lab.example" in detail
    page = reader.get("/", headers={**lab, "Accept": "text/html"})
    assert (page.status_code, page.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "BATCHNORM_ALLOWED_HOSTS=lab.example" in page.text
    style = page.text.partition('rel="stylesheet" href=".')[2].partition('"')[0]
    assert reader.get(style, headers=lab).status_code == 200
    for odd in ("<b>x</b>", "a b", "%3Cb%3E"):
        refused = reader.get("/", headers={"Host": odd, "Accept": "text/html"})
        assert refused.status_code == 400
        assert "<b>" not in refused.text


@pytest.mark.parametrize("host", ["10.1.2.3:8000", "lb.example", "", "a b"])
def test_health_is_answered_whatever_the_host(reader: httpx.Client, host: str) -> None:
    for path in ("/healthz", "/readyz"):
        assert reader.get(path, headers={"Host": host}).status_code == 200


def test_a_request_without_a_host_is_refused_but_for_its_health(server_url: str) -> None:
    """As a load balancer asks in HTTP/1.0."""
    for path, status in [("/", 400), ("/healthz", 200)]:
        parts = urlsplit(server_url)
        assert parts.hostname
        connection = http.client.HTTPConnection(parts.hostname, parts.port)
        connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"  # type: ignore[attr-defined]
        connection.putrequest("GET", path, skip_host=True)
        connection.endheaders()
        assert connection.getresponse().status == status
        connection.close()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("a.example", "a.example", None),
        ("[2001:db8:0::1]:80", "2001:db8::1", 80),
        ("[::ffff:1.2.3.4]", "1.2.3.4", None),
    ],
)
def test_an_authority_is_read_in_its_short_form(text: str, host: str, port: int | None) -> None:
    authority = parse_authority(text)
    assert authority
    assert (authority.host, authority.port) == (host, port)


@pytest.mark.parametrize(
    "text",
    [
        *("null", "", "http://", "http://[", "ftp://a.example", "http://a.example/", "a.example"),
        *("http://a.example?x", "http://user@a.example", "file://", "http://a:b"),
    ],
)
def test_what_is_no_origin_is_none(text: str) -> None:
    assert parse_origin(text) is None
