"""Below a proxy's path, with HEAD, with a slash too many."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from starlette.routing import Mount

from app.errors import InvalidSettings
from app.main import create_app
from app.settings import Settings
from tests.support.http_client import RUNS_PATH, FinishedRun, json_body, problem_body
from tests.support.markup import Elements
from tests.support.toy_server import FakeServer, running_fake_server

BROWSER = {"Accept": "text/html"}
FRAGMENT = {"HX-Request": "true"}
BELOW = "/lab/bn"


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeServer]:
    """A server whose proxy leaves the path in the addresses that it passes on."""
    with running_fake_server(tmp_path_factory.mktemp("below"), root_path=BELOW) as running:
        yield running


def addresses(page: str) -> set[str]:
    """All that a page links to, loads or sends something to."""
    own = {"data-link", "data-recording"}
    names = {"href", "src", "action", "hx-get", "hx-post", "hx-delete", *own}
    return {
        str(value)
        for _, attributes in Elements(page).found
        for name, value in attributes.items()
        if name in names and not str(value).startswith(("#", "https://", "http://"))
    }


def test_no_page_has_an_address_that_a_path_before_it_would_break(
    reader: httpx.Client, finished: FinishedRun
) -> None:
    panel = reader.get(finished.path, headers=FRAGMENT).text
    started = reader.post(RUNS_PATH, data={"steps": "400"}, headers=FRAGMENT).text
    pages = [reader.get(path, headers=BROWSER).text for path in ("/", "/teaching", "/comments")]
    pages += [reader.get("/comments", headers=FRAGMENT).text, panel, started]
    for page in pages:
        assert addresses(page)
        assert all(each.startswith("./") for each in addresses(page)), addresses(page)
    at_run = reader.get(finished.path, headers=BROWSER).text
    assert all(each.startswith("../") for each in addresses(at_run))


@pytest.mark.parametrize(
    ("asking", "root"),
    [
        ("https://a.example/proxy/8000/", "./"),
        ("https://a.example/proxy/8000/?figure=norms", "./"),
        ("https://a.example/proxy/8000/runs/abc?seed=1#x", "../"),
        ("https://a.example/runs/", "./"),
        ("", "./"),
        ("garbage [", "./"),
    ],
)
def test_a_fragment_leads_on_from_the_page_that_asked_for_it(
    reader: httpx.Client, finished: FinishedRun, asking: str, root: str
) -> None:
    headers = {**FRAGMENT, "HX-Current-URL": asking}
    for path in (finished.path, "/comments"):
        found = addresses(reader.get(path, headers=headers).text)
        assert found
        assert all(each.startswith(root) for each in found)


def test_every_page_works_below_a_path_that_the_proxy_leaves_in_place(below: FakeServer) -> None:
    with below.new_client() as reader:
        created = json_body(reader.post(f"{BELOW}{RUNS_PATH}", json={"steps": 10}))
        assert created["events"] == f"{BELOW}/runs/{created['id']}/events"
        for path in ("/", "/teaching", "/comments", f"/runs/{created['id']}", "/runs/no", "/a/b"):
            answer = reader.get(BELOW + path, headers=BROWSER)
            assert "text/html" in answer.headers["content-type"]
            for each in addresses(answer.text):
                if "/runs/" in each or "/experiments/" in each:
                    continue  # a DELETE or a POST
                there = urljoin(str(answer.url), each)
                assert there.startswith(f"{below.url}{BELOW}/")
                assert reader.get(there).status_code == 200, there
        cookie = reader.get(f"{BELOW}/").headers.get("set-cookie", "")
        assert cookie == ""  # it came with the first answer, and for this path
        assert {each.path for each in reader.cookies.jar} == {BELOW}


def test_a_path_that_the_proxy_took_off_is_as_good(below: FakeServer) -> None:
    with below.new_client() as reader:
        answer = reader.post(RUNS_PATH, json={"steps": 10})
        assert answer.headers["location"] == f"{BELOW}/runs/{json_body(answer)['id']}"
        assert reader.delete(f"/runs/{answer.json()['id']}").status_code == 202
        assert reader.get("/healthz").status_code == 200
        assert reader.get(f"{BELOW}x/healthz").status_code == 404


def test_the_root_path_without_its_slash_leads_to_the_one_with_it(below: FakeServer) -> None:
    with below.new_client() as reader:
        answer = reader.get(f"{BELOW}?figure=norms&seed=7")
        assert answer.status_code == 307
        assert answer.headers["location"] == "bn/?figure=norms&seed=7"
        assert reader.get(f"{BELOW}?a=b", follow_redirects=True).url.path == f"{BELOW}/"
        assert reader.get("/lab/%62n/healthz").status_code == 200


def test_a_comment_without_scripts_leads_back_below_any_path(below: FakeServer) -> None:
    with below.new_client() as reader:
        sent = {"name": "Ann", "text": "From below"}
        answer = reader.post("/comments", data=sent, headers=BROWSER)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("comments#comment-")


PUBLIC = "https://lab.example/bn"


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeServer]:
    """A server that is told which address its readers use."""
    folder = tmp_path_factory.mktemp("public")
    with running_fake_server(folder, public_url=f"{PUBLIC}/") as running:
        yield running


def test_whatever_is_for_others_has_the_public_address(public: FakeServer) -> None:
    with public.new_client() as reader:
        answer = reader.post(RUNS_PATH, json={"steps": 10, "seed": 7})
        run = json_body(answer)["id"]
        assert answer.headers["location"] == f"{PUBLIC}/runs/{run}"
        assert json_body(answer)["events"] == f"{PUBLIC}/runs/{run}/events"
        finished = f"/runs/{run}"
        reader.get(f"{finished}/events")  # to its end
        for receipt in (f"{finished}/receipt.json", finished):
            document = json_body(reader.get(receipt, headers={"Accept": "application/json"}))
            assert document["address"] == f"{PUBLIC}/runs/{run}"
        panel = Elements(reader.get(finished, headers=FRAGMENT).text)
        (link,) = (str(each["data-link"]) for each in panel.with_attribute("data-link"))
        assert link.startswith(f"{PUBLIC}/runs/{run}?figure=learning-rates&seed=7")
        assert link in {attributes.get("href") for _, attributes in panel.found}


@pytest.mark.parametrize(
    ("path", "address"),
    [("/", "/"), ("/?figure=norms", "/"), ("/teaching", "/teaching"), ("/comments", "/comments")],
)
def test_a_page_names_its_public_address_for_search_engines_and_previews(
    path: str, address: str, public: FakeServer, reader: httpx.Client
) -> None:
    with public.new_client() as visitor:
        tags = Elements(visitor.get(path, headers=BROWSER).text)
    canonical = [each["href"] for each in tags.with_attribute("rel") if each["rel"] == "canonical"]
    previewed = {each["property"]: each["content"] for each in tags.with_attribute("property")}
    assert canonical == [f"{PUBLIC}{address}"]
    assert previewed["og:url"] == f"{PUBLIC}{address}"
    assert "canonical" not in reader.get(path, headers=BROWSER).text


def test_an_error_has_no_public_address(public: FakeServer) -> None:
    with public.new_client() as visitor:
        page = visitor.get("/no-such-page", headers=BROWSER)
    assert page.status_code == 404
    assert "canonical" not in page.text


def test_the_forwarded_prefix_of_a_proxy_is_not_read(below: FakeServer) -> None:
    with below.new_client() as reader:
        headers = {"X-Forwarded-Prefix": "/elsewhere", "X-Forwarded-Path": "/elsewhere"}
        answer = reader.post(RUNS_PATH, json={"steps": 10}, headers=headers)
        assert answer.headers["location"].startswith(f"{BELOW}/runs/")


def test_a_root_path_that_is_a_page_of_the_article_is_refused(tmp_path: Path) -> None:
    for path in ("/runs", "/comments", "/static/x"):
        settings = Settings.model_validate({"root_path": path, "store": tmp_path / "store.db"})
        with pytest.raises(InvalidSettings, match="BATCHNORM_ROOT_PATH"):
            create_app(settings)


@pytest.mark.parametrize(
    ("path", "location"),
    [("/healthz/", "../healthz"), ("/teaching/?a=b", "../teaching?a=b"), ("/runs/x/", "../x")],
)
def test_a_slash_too_many_is_taken_off_relatively(
    reader: httpx.Client, path: str, location: str
) -> None:
    answer = reader.get(path)
    assert (answer.status_code, answer.headers["location"]) == (307, location)


def test_a_page_that_is_not_there_is_not_sought_elsewhere(reader: httpx.Client) -> None:
    for path in ("/no-such/", "/healthz//", "/healthz/%2F", "/%5Cevil.example/"):
        problem_body(reader.get(path), 404)


def paths(server: FakeServer, run_id: str) -> list[str]:
    """Of every route that answers GET, found by asking the application."""
    found = ["/openapi.json", "/no-such-page", "/runs/no-such-run", "/static/no-such-file"]
    for path, methods in server.app.openapi()["paths"].items():
        if "get" in methods:
            found.append(path.replace("{run_id}", run_id))
    (assets,) = [route for route in server.app.routes if isinstance(route, Mount)]
    return [*found, f"{assets.path}/css/article.css", f"{assets.path}/js/article.js"]


def test_head_says_what_get_says_and_sends_no_body(fake_server: FakeServer) -> None:
    with fake_server.new_client() as reader:
        reader.headers["Accept-Encoding"] = "identity"  # a page's random keys are equally long
        run = json_body(reader.post(RUNS_PATH, json={"steps": 10}))
        for path in paths(fake_server, run["id"]):
            for headers in ({}, BROWSER, {"Accept": "application/json"}, FRAGMENT):
                got = reader.get(path, headers=headers)
                head = reader.head(path, headers=headers)
                assert head.status_code == got.status_code, path
                assert head.content == b""
                kept = {"content-type", "cache-control", "content-disposition", "vary"}
                if path != "/metrics":
                    kept.add("content-length")
                for name in kept:
                    assert head.headers.get(name) == got.headers.get(name), (path, name)


def test_head_of_a_stream_takes_no_place_of_one(fake_server: FakeServer) -> None:
    with fake_server.new_client() as reader:
        run = json_body(reader.post(RUNS_PATH, json={"steps": 10}))
        opened = fake_server.app.state.streams.opened_total
        head = reader.head(f"/runs/{run['id']}/events")
        assert head.headers["content-type"].startswith("text/event-stream")
        assert fake_server.app.state.streams.opened_total == opened


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", "GET, HEAD"),
        ("/comments", "GET, HEAD, POST"),
        (RUNS_PATH, "POST"),
        ("/runs/any", "GET, HEAD, DELETE"),
        ("/runs/any/events", "GET, HEAD"),
        ("/healthz", "GET, HEAD"),
        ("/static/{version}/css/article.css", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_answered_is_told_those_that_are(
    fake_server: FakeServer, path: str, allowed: str
) -> None:
    (assets,) = [route for route in fake_server.app.routes if isinstance(route, Mount)]
    path = path.replace("/static/{version}", assets.path)
    with fake_server.new_client() as reader:
        for method in ("OPTIONS", "PUT", "PATCH", "TRACE"):
            answer = reader.request(method, path)
            problem_body(answer, 405)
            assert answer.headers["allow"] == allowed
