"""Proxies as people have them, in a real nginx, before one real server, in a real Chromium."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import NoBrowser, chromium
from tests.browser.reader import Reader
from tests.support.http_client import RUNS_PATH, json_body
from tests.support.packages import apt_install
from tests.support.processes import TIMEOUT, Server, serving, wait_until
from tests.support.sse import read_events

pytestmark = [pytest.mark.browser]

ADVICE = "This test needs nginx, which could not be installed: apt-get install nginx-light."
# How each proxy serves the article: what its server block has, and the article's path there.
PROXIES = {
    "plain": ("location / {{ proxy_pass http://{server}; }}", "/"),
    "no-referrer": (
        "add_header Referrer-Policy no-referrer always;"
        "location / {{ proxy_pass http://{server}; proxy_set_header Host $http_host; }}",
        "/",
    ),
    "stripping": ("location /bn/ {{ proxy_pass http://{server}/; }}", "/bn/"),
    "not-stripping": (
        "location /lab {{ proxy_pass http://{below}; proxy_set_header Host $http_host; }}",
        "/lab/",
    ),
    "notebook": (
        "location ~ ^/user/ann/proxy/8000(/.*)$ {{ proxy_pass http://{server}$1$is_args$args; }}",
        "/user/ann/proxy/8000/",
    ),
}
# nginx as it comes: HTTP/1.0 to the server, its own Host, answers buffered.
CONFIGURATION = """
worker_processes 1; pid {folder}/pid; error_log {folder}/error.log warn;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  {blocks}
}}
"""


@dataclass(frozen=True)
class Proxied:
    """The article's address behind each proxy."""

    urls: dict[str, str]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def nginx() -> str:
    """The program's path."""
    found = shutil.which("nginx") or (apt_install("nginx-light") and shutil.which("nginx"))
    if not found:
        pytest.fail(ADVICE, pytrace=False)
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        with chromium() as browser:
            yield browser
    except NoBrowser as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="module")
def proxied(
    nginx: str,
    server: Server,
    server_defaults: dict[str, object],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proxied]:
    """One nginx with all of them."""
    folder = tmp_path_factory.mktemp("proxies")
    settings = {**server_defaults, "workers": 1, "root_path": "/lab", "store": folder / "store.db"}
    with serving(folder / "below.log", settings) as below:
        below.wait_until_ready()
        places = {
            "server": server.url.removeprefix("http://"),
            "below": below.url.removeprefix("http://"),
        }
        ports = {name: free_port() for name in PROXIES}
        blocks = "\n".join(
            f"server {{ listen 127.0.0.1:{ports[name]}; {block.format(**places)} }}"
            for name, (block, _) in PROXIES.items()
        )
        (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, blocks=blocks))
        with running(nginx, folder):
            wait_until(lambda: all(map(listens, ports.values())), "nginx listens")
            yield Proxied(
                {n: f"http://127.0.0.1:{ports[n]}{path}" for n, (_, path) in PROXIES.items()}
            )


@contextmanager
def running(nginx: str, folder: Path) -> Iterator[None]:
    user = " user root;" if os.geteuid() == 0 else ""  # or it may not read this test's folder
    with subprocess.Popen(
        [nginx, "-c", folder / "nginx.conf", "-e", folder / "error.log", "-g", f"daemon off;{user}"]
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(TIMEOUT)


@pytest.mark.parametrize("name", PROXIES)
def test_train_stop_and_a_comment_work_behind(
    name: str, proxied: Proxied, browser: Browser
) -> None:
    url = proxied.urls[name]
    errors: list[str] = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        page.goto(url)
        reader = Reader(page, errors)
        reader.look()
        reader.train(steps=10)
        reader.expect_state("finished")
        assert all(len(line) > 1 for line in reader.curves()["test_loss"].values())

        page.goto(page.url.partition("?")[0] + f"runs/{reader.run_id()}")  # the permalink
        reader.look()
        reader.expect_state("finished")
        reader.train(steps=400, seeds=5)
        reader.expect_state("queued", "running")
        reader.button("Stop").click()
        reader.expect_state("stopped")
        link = str(reader.figure.get_by_role("link", name="Permalink").get_attribute("href"))
        assert link.startswith("../runs/")

        form = page.locator("[data-comments]")
        form.scroll_into_view_if_needed()
        page.locator("#comment-name").fill("Ann")
        page.locator("#comment-text").fill(f"Behind {name}")
        page.get_by_role("button", name="Post the comment").click()
        expect(page.locator(".comment-text").first).to_have_text(f"Behind {name}")

        page.goto(f"{url}runs/no-such-run")
        page.get_by_role("link", name="Why Does Batch Normalization Work?").click()
        expect(page).to_have_url(url)
    assert [error for error in errors if "404" not in error] == []


def test_a_comment_without_scripts_leads_back_to_the_comments(
    proxied: Proxied, browser: Browser
) -> None:
    url = proxied.urls["notebook"]
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{url}comments")
        page.locator("#comment-name").fill("Ann")
        page.locator("#comment-text").fill("No scripts")
        page.get_by_role("button", name="Post the comment").click()
        assert page.url.startswith(f"{url}comments#comment-")
        expect(page.locator(".comment-text").first).to_have_text("No scripts")


def test_a_run_streams_through_http_1_0(proxied: Proxied) -> None:
    with httpx.Client(base_url=proxied.urls["stripping"], timeout=TIMEOUT) as reader:
        run = json_body(reader.post(RUNS_PATH.removeprefix("/"), json={"steps": 10}))
        text = reader.get(f"runs/{run['id']}/events").text
    events = list(read_events(iter(text.splitlines())))
    assert events[-1].data["state"] == "finished"


def test_the_path_without_its_slash_leads_to_the_article(proxied: Proxied) -> None:
    for name in ("stripping", "not-stripping"):
        url = proxied.urls[name]
        answer = httpx.get(url.removesuffix("/"), follow_redirects=True, verify=False)
        assert answer.status_code == 200
        assert str(answer.url) == url
