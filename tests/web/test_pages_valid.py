"""Pages, drawings and style sheets are valid by the Nu HTML Checker, warnings included."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.article.assets import STATIC_FOLDER as STATIC
from tests.browser.staged import ENDS, FAILS, LINGERS, StagedEngine
from tests.conftest import Site
from tests.support.http_client import json_body, post_run
from tests.support.nu_checker import checker_jar, validation_errors
from tests.support.processes import wait_until
from tests.support.toy_server import FakeServer, running_fake_server

BROWSER = {"accept": "text/html"}
HTMX = {"hx-request": "true", **BROWSER}
FRAGMENT = (
    '<!doctype html><html lang="en"><head><title>Fragment</title></head><body>{}</body></html>'
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeServer]:
    checker_jar()
    folder = tmp_path_factory.mktemp("valid")
    with running_fake_server(folder, StagedEngine()) as running:
        yield running


@pytest.fixture
def reader(server: FakeServer) -> Iterator[httpx.Client]:
    with server.new_client() as reader:
        yield reader


def wait_for(reader: httpx.Client, seed: int, state: str, seeds: int = 1) -> str:
    """The path of a new run that has come to that state."""
    path = f"/runs/{json_body(post_run(reader, seed=seed, seeds=seeds))['id']}"
    wait_until(lambda: state_of(reader, path) == state, f"the run of seed {seed} is {state}")
    return path


def state_of(reader: httpx.Client, path: str) -> object:
    return reader.get(path, headers={"accept": "application/json"}).json()["state"]


def kept(folder: Path, name: str, answer: httpx.Response) -> list[Path]:
    """The file that a page is kept in; none for what is no page, such as a problem in JSON."""
    if not answer.headers["content-type"].startswith("text/html"):
        return []
    path = folder / f"{name}.html"
    whole = answer.text.lstrip().lower().startswith("<!doctype")
    path.write_text(answer.text if whole else FRAGMENT.format(answer.text))
    return [path]


def test_every_page_is_valid(reader: httpx.Client, tmp_path: Path) -> None:
    reader.post("/comments", data={"name": "Ann", "text": "<b> & “so”\n\nÉ"}, headers=BROWSER)
    addresses = {
        "article": "/",
        "settings": "/?figure=learning-rates&seed=3&seeds=2&steps=50&learning_rate=0.1",
        "bad settings": "/?figure=learning-rates&seed=-3&seeds=99&steps=<b>",
        "expired": "/runs/gone?figure=sigmoid&seed=3",
        "comments": "/comments",
        "teaching": "/teaching",
        "unknown page": "/nowhere",
        "unknown run": "/runs/nothing",
        "unknown figure": "/?figure=nothing",
    }
    files = [
        path
        for name, address in addresses.items()
        for path in kept(tmp_path, name, reader.get(address, headers=BROWSER))
    ]
    assert len(files) >= 6
    assert validation_errors(files) == []


def test_a_figure_is_valid_in_every_state_of_its_run(
    server: FakeServer, reader: httpx.Client, tmp_path: Path
) -> None:
    paths = {
        "finished": wait_for(reader, ENDS, "finished", seeds=2),
        "failed": wait_for(reader, FAILS, "failed"),
        "running": wait_for(reader, LINGERS, "running"),
        "queued": wait_for(reader, LINGERS + 1, "queued"),
    }
    answers = {state: reader.get(path, headers=BROWSER) for state, path in paths.items()}
    fragments = {state: reader.get(path, headers=HTMX) for state, path in paths.items()}
    with server.new_client() as other:
        post_run(other, seed=LINGERS)
        fragments["shared"] = reader.get(paths["running"], headers=HTMX)
        fragments["not yours"] = other.get(paths["queued"], headers=HTMX)
        fragments["left"] = reader.delete(paths["running"], headers=HTMX)
        fragments["stopped"] = other.delete(paths["running"], headers=HTMX)
    reader.delete(paths["queued"])
    fragments["comments"] = reader.get("/comments", headers=HTMX)
    answers["stopped"] = reader.get(paths["queued"], headers=BROWSER)
    answers |= {f"fragment of {name}": fragment for name, fragment in fragments.items()}
    files = [path for name, each in answers.items() for path in kept(tmp_path, name, each)]
    assert len(files) == len(answers)
    assert validation_errors(files) == []


def test_the_exported_site_its_drawings_and_the_style_sheets_are_valid(site: Site) -> None:
    checker_jar()
    files = sorted(path for path in site.folder.rglob("*") if path.suffix in (".html", ".svg"))
    assert {path.suffix for path in files} == {".html", ".svg"}
    assert validation_errors([*files, *sorted((STATIC / "css").glob("*.css"))]) == []
