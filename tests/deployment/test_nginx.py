"""docs/nginx.conf in a real nginx, before two real servers."""

import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from tests.support.http_client import (
    RUNS_PATH,
    json_body,
    next_event,
    post_run,
    read_stream,
    stream_events,
)
from tests.support.packages import apt_install
from tests.support.processes import ROOT, TIMEOUT, Server, serving, wait_until
from tests.support.sse import event_ids

pytestmark = pytest.mark.long

NAME = "article.example.org"  # in the configuration
ADVICE = "This test needs nginx, which could not be installed: apt-get install nginx-light."


@dataclass(frozen=True)
class Proxy:
    """nginx, listening for HTTPS on the loopback address."""

    port: int
    plain_port: int

    def visitor(self) -> httpx.Client:
        """A browser session that believes the certificate."""
        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            headers={"Host": NAME},
            timeout=TIMEOUT,
            verify=False,
        )


@pytest.fixture(scope="module")
def nginx() -> str:
    """The program's path."""
    if shutil.which("nginx") is None:
        apt_install("nginx-light")
    found = shutil.which("nginx")
    if found is None:
        pytest.fail(ADVICE, pytrace=False)
    return found


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a key and a certificate for it, signed by itself."""
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", f"/CN={NAME}", "-keyout", str(folder / "privkey.pem")),
            *("-out", str(folder / "fullchain.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return folder


@contextmanager
def proxy(nginx: str, certificate: Path, folder: Path, a: int, b: int) -> Iterator[Proxy]:
    """nginx with docs/nginx.conf before the servers at ports `a` and `b` of this machine."""
    port, plain_port = free_port(), free_port()
    text = (ROOT / "docs" / "nginx.conf").read_text()
    for ours, here in {
        "127.0.0.1:8001": f"127.0.0.1:{a}",
        "127.0.0.1:8002": f"127.0.0.1:{b}",
        "listen 80;": f"listen 127.0.0.1:{plain_port};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
        "/etc/ssl/article": str(certificate),
        "/run/nginx.pid": str(folder / "pid"),
        "/var/log/nginx": str(folder),
        "/var/cache/nginx/article": str(folder / "cache"),
    }.items():
        assert ours in text, f"docs/nginx.conf no longer has {ours}"
        text = text.replace(ours, here)
    (folder / "nginx.conf").write_text(text)
    user = " user root;" if os.geteuid() == 0 else ""  # or it may not read this test's folder
    with subprocess.Popen(
        [nginx, "-c", folder / "nginx.conf", "-e", folder / "error.log", "-g", f"daemon off;{user}"]
    ) as process:
        try:
            wait_until(lambda: listens(port), "nginx listens")
            yield Proxy(port, plain_port)
        finally:
            process.terminate()
            process.wait(TIMEOUT)
    for line in (folder / "error.log").read_text().splitlines():
        assert "too large body" in line, line


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody does."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def front(
    nginx: str,
    certificate: Path,
    server_defaults: dict[str, object],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proxy]:
    """nginx before two warm servers, a and b."""
    folder = tmp_path_factory.mktemp("front")
    shared = {
        **server_defaults,
        "workers": 1,
        "allowed_hosts": NAME,
        "secret": "known to both servers",
        "store": folder / "store.db",
    }
    with ExitStack() as running:
        a, b = (
            running.enter_context(serving(folder / f"{node}.log", {**shared, "node": node}))
            for node in ("a", "b")
        )
        for server in (a, b):
            wait_until_ready(server)
        yield running.enter_context(proxy(nginx, certificate, folder, port_of(a), port_of(b)))


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


def wait_until_ready(server: Server) -> None:
    with server.new_client() as visitor:
        visitor.headers["Host"] = NAME
        wait_until(lambda: visitor.get("/readyz").status_code == 200, "workers warm")


def test_runs_of_both_servers_stream_live_through_the_proxy_and_resume(front: Proxy) -> None:
    seen: set[str] = set()
    for _ in range(40):  # a reader without a cookie goes to either
        with front.visitor() as reader:
            run_id = json_body(post_run(reader, steps=40))["id"]
            if run_id[0] in seen:
                reader.delete(f"/runs/{run_id}")
                continue
            seen.add(run_id[0])
            with stream_events(reader, run_id) as events:
                first = next_event(events, "points")
                state = json_body(
                    reader.get(f"/runs/{run_id}", headers={"Accept": "application/json"})
                )["state"]
                assert state == "running"
            rest = read_stream(reader, run_id, first.id)
            assert event_ids(rest) == list(range(first.id + 1, first.id + 1 + len(rest)))
            assert rest[-1].data["state"] == "finished"
        if seen == {"a", "b"}:
            return
    pytest.fail(f"40 readers met only {seen}")


def test_a_reader_stays_with_one_server_where_a_key_is_known(front: Proxy) -> None:
    with front.visitor() as reader:
        reader.get("/")
        made = {json_body(post_run(reader, key="once", steps=10))["id"] for _ in range(4)}
        assert len(made) == 1
        read_stream(reader, made.pop())


def test_a_run_is_stopped_through_the_proxy_by_its_reader_and_nobody_else(front: Proxy) -> None:
    with front.visitor() as reader, front.visitor() as stranger:
        run_id = json_body(post_run(reader, steps=400))["id"]
        with stream_events(stranger, run_id) as events:
            next_event(events, "points")
            assert stranger.delete(f"/runs/{run_id}").status_code == 403
            assert reader.delete(f"/runs/{run_id}").status_code == 202
            assert next_event(events, "done").data["state"] == "stopped"


def test_a_page_of_this_site_may_post_and_another_may_not(front: Proxy) -> None:
    with front.visitor() as reader:
        ours = reader.post(RUNS_PATH, json={"steps": 10}, headers={"Origin": f"https://{NAME}"})
        theirs = reader.post(
            RUNS_PATH, json={"steps": 10}, headers={"Origin": "https://elsewhere.org"}
        )
    assert (ours.status_code, theirs.status_code) == (201, 403)


def test_the_proxy_speaks_http_2_and_sends_plain_http_to_https(front: Proxy) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", front.port)) as plain,
        context.wrap_socket(plain, server_hostname=NAME) as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"
    sent_on = httpx.get(f"http://127.0.0.1:{front.plain_port}/", headers={"Host": NAME})
    assert sent_on.headers["location"] == f"https://{NAME}/"


def test_a_megabyte_is_refused_by_the_proxy(front: Proxy) -> None:
    with front.visitor() as reader:
        answer = reader.post(RUNS_PATH, content=b"x" * 1_000_000)
    assert answer.status_code == 413
    assert "nginx" in answer.text  # it got no further


def test_static_files_are_kept_by_the_proxy(front: Proxy) -> None:
    with front.visitor() as reader:
        page = reader.get("/").text
        path = "/static/" + page.partition("./static/")[2].partition('"')[0]
        reader.get(path)
        again = reader.get(path)
    assert again.headers["x-cache"] == "HIT"
    assert "immutable" in again.headers["cache-control"]


def test_servers_hear_who_asked_whatever_a_reader_claims(
    nginx: str, certificate: Path, tmp_path: Path
) -> None:
    with recording() as (port, heard), proxy(nginx, certificate, tmp_path, port, port) as front:
        asking = httpx.HTTPTransport(verify=False, local_address="127.0.0.2")
        with httpx.Client(transport=asking, timeout=TIMEOUT) as reader:
            claims = {"Host": NAME, "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "gopher"}
            assert reader.get(f"https://127.0.0.1:{front.port}/", headers=claims).is_success
    (headers,) = heard
    assert headers["X-Forwarded-For"] == "127.0.0.2"
    assert headers["X-Forwarded-Proto"] == "https"
    assert headers["Host"] == NAME


@contextmanager
def recording() -> Iterator[tuple[int, list[dict[str, str]]]]:
    """A server that does nothing but keep the headers which it is sent."""
    heard: list[dict[str, str]] = []

    class Recorder(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(dict(self.headers))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Recorder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, heard
        server.shutdown()
