"""Comments over HTTP, in applications of our own whose stores are the tests'."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import anyio
import httpx
import pytest

from app import store as stores
from app.comments import MAX_PER_READER, MAX_PER_SERVER, MAX_TEXT
from app.main import create_app
from app.settings import Settings
from app.web.comments import MAX_WAITING, WRITER_THREADS
from tests.conftest import Serve
from tests.support.http_client import RUNS_PATH, field_errors, json_body, problem_body
from tests.support.markup import Elements
from tests.test_store import make_read_only

pytestmark = pytest.mark.anyio

FRAGMENT = {"HX-Request": "true"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
JSON = {"Accept": "application/json"}
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><b hx-get="/" hx-trigger="load">',
    "</textarea></form></ul></main>",
    "<hx-partial hx-target='body'>",
    "{{ 7 * 7 }} {% include 'base.html' %} \\(x\\)",
    "&lt;b&gt; &#60;b&#62;",
]

NewReader: TypeAlias = Callable[[], httpx.AsyncClient]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "store.db"


@pytest.fixture
def new_reader(path: Path, tmp_path: Path) -> NewReader:
    """Another browser session of the same server with every call."""
    transport = httpx.ASGITransport(create_app(Settings(store=path, cache_dir=tmp_path)))
    return lambda: httpx.AsyncClient(transport=transport, base_url="http://localhost")


@pytest.fixture
def reader(new_reader: NewReader) -> httpx.AsyncClient:
    return new_reader()


async def post(reader: httpx.AsyncClient, text: str, name: str = "Ann") -> httpx.Response:
    return await reader.post("/comments", json={"name": name, "text": text})


def is_made(path: Path) -> bool:
    return path.parent.exists()


async def listed(reader: httpx.AsyncClient) -> list[str]:
    """The comments' texts, the newest first."""
    return [comment["text"] for comment in json_body(await reader.get("/comments", headers=JSON))]


async def test_a_comment_is_kept_and_listed(reader: httpx.AsyncClient) -> None:
    answer = await post(reader, "Thank you.\n\nIt works.")
    assert answer.status_code == 201
    comment = json_body(answer)
    assert set(comment) == {"id", "created", "name", "text"}
    assert (comment["name"], comment["text"]) == ("Ann", "Thank you.\n\nIt works.")
    assert answer.headers["location"] == f"/comments#comment-{comment['id']}"
    assert json_body(await reader.get("/comments", headers=JSON)) == [comment]


@pytest.mark.parametrize("how", ["json", "form", "multipart"])
async def test_a_comment_comes_as_json_or_as_a_form(reader: httpx.AsyncClient, how: str) -> None:
    values = {"name": "Ann", "text": "ż" * MAX_TEXT if how == "multipart" else "ż"}
    sent = {
        "json": {"json": values},
        "form": {"data": values},
        "multipart": {"files": {name: (None, value) for name, value in values.items()}},
    }[how]
    answer = await reader.post("/comments", **sent)  # type: ignore[arg-type]
    assert json_body(answer)["text"] == values["text"]


async def test_htmx_gets_the_list_with_the_new_comment_marked_and_a_fresh_form(
    reader: httpx.AsyncClient,
) -> None:
    await post(reader, "older")
    sent = {"name": "Ann", "text": "newer"}
    answer = await reader.post("/comments", data=sent, headers=FRAGMENT)
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<html" not in answer.text
    (new,) = Elements(answer.text).with_attribute("data-new")
    assert answer.headers["location"] == f"/comments#{new['id']}"
    assert answer.text.index("newer") < answer.text.index("older")
    (form,) = Elements(answer.text).with_attribute("hx-post")
    assert form["hx-post"] == form["action"] == "./comments"
    (name,) = Elements(answer.text).with_attribute("value")
    assert name["value"] == "Ann"
    assert "></textarea>" in answer.text


async def test_a_browser_without_scripts_gets_a_page_and_comes_back_to_it(
    reader: httpx.AsyncClient,
) -> None:
    sent = {"name": "Ann", "text": "No scripts."}
    answer = await reader.post("/comments", data=sent, headers=BROWSER)
    assert answer.status_code == 303
    target, _, anchor = answer.headers["location"].partition("#")
    page = await reader.get(target, headers=BROWSER)
    assert "<html" in page.text
    assert f'id="{anchor}"' in page.text
    assert "No scripts." in page.text


async def test_no_comments_are_an_invitation(reader: httpx.AsyncClient) -> None:
    assert "No comments yet" in (await reader.get("/comments", headers=FRAGMENT)).text
    await post(reader, "first")
    assert "No comments yet" not in (await reader.get("/comments", headers=FRAGMENT)).text


@pytest.mark.parametrize("text", HOSTILE)
async def test_markup_stays_text(reader: httpx.AsyncClient, text: str) -> None:
    plain = await reader.get("/comments", headers=FRAGMENT)
    before = [tag for tag, _ in Elements(plain.text).found]
    answer = await reader.post("/comments", data={"name": text, "text": text}, headers=FRAGMENT)
    tags = [tag for tag, _ in Elements(answer.text).found]
    one_comment = ["ul", "li", "p", "b", "bdi", "time", "p"]
    assert tags == [*before[: before.index("p", before.index("p") + 2)], *one_comment]
    assert await listed(reader) == [text]


@pytest.mark.parametrize(
    ("values", "field", "bound"),
    [
        ({"text": "t"}, "name", "1 to 60 characters"),
        ({"name": "n" * 61, "text": "t"}, "name", "1 to 60 characters"),
        ({"name": "Ann", "text": " "}, "text", "1 to 2,000 characters"),
        ({"name": "Ann", "text": "t" * 10_000}, "text", "1 to 2,000 characters"),
        ({"name": "Ann", "text": "t", "<script>": "x"}, "<script>", "no part of a comment"),
    ],
)
async def test_a_comment_out_of_bounds_is_refused_and_not_kept(
    reader: httpx.AsyncClient, values: dict[str, str], field: str, bound: str
) -> None:
    for answer in (
        await reader.post("/comments", json=values),
        await reader.post("/comments", data=values),
        await reader.post("/comments", data=values, headers=FRAGMENT),
    ):
        assert list(field_errors(answer)) == [field]
        assert bound in field_errors(answer)[field]
    assert await listed(reader) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 422),
        ({"content": b'{"name":"\\ud800"}', "headers": {"Content-Type": "application/json"}}, 422),
        ({"content": b"hello", "headers": {"Content-Type": "text/plain"}}, 415),
        ({"files": {"text": ("evil.txt", b"t")}}, 400),
        ({}, 422),
        ({"data": {"text": "t" * 20_000}}, 413),
        ({"json": {"name": "A", "text": "t"}, "headers": {"Origin": "https://else.example"}}, 403),
        ({"json": {"name": "A", "text": "t"}, "headers": {"Sec-Fetch-Site": "cross-site"}}, 403),
    ],
)
async def test_what_is_no_comment_of_ours_is_refused(
    reader: httpx.AsyncClient, body: dict[str, object], status: int
) -> None:
    problem_body(await reader.post("/comments", **body), status)  # type: ignore[arg-type]
    assert await listed(reader) == []


async def test_a_double_click_is_one_comment(reader: httpx.AsyncClient) -> None:
    await reader.get("/")  # both clicks are of one session
    answers = []
    async with anyio.create_task_group() as clicks:

        async def click() -> None:
            answers.append(await post(reader, "once"))

        for _ in range(5):
            clicks.start_soon(click)
    assert len({json_body(answer)["id"] for answer in answers}) == 1
    assert await listed(reader) == ["once"]


async def test_a_reader_who_wrote_enough_is_told_when_to_come_back(new_reader: NewReader) -> None:
    greedy = new_reader()
    for number in range(MAX_PER_READER):
        assert (await post(greedy, str(number))).status_code == 201
    refused = await post(greedy, "one more")
    problem_body(refused, 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 600
    assert (await post(new_reader(), "another's")).status_code == 201


async def test_a_script_that_is_a_new_reader_each_time_meets_a_bound_too(
    new_reader: NewReader,
) -> None:
    statuses = [
        (await post(new_reader(), f"spam {number}")).status_code
        for number in range(MAX_PER_SERVER + 2)
    ]
    assert statuses == [*[201] * MAX_PER_SERVER, 429, 429]


async def test_the_article_asks_for_the_comments_and_needs_no_store(
    reader: httpx.AsyncClient, path: Path
) -> None:
    page = await reader.get("/")
    (place,) = Elements(page.text).with_attribute("data-comments")
    assert place["hx-get"] == "./comments"
    assert 'href="./comments"' in page.text
    assert not is_made(path)


async def test_switched_off_there_are_none(path: Path, tmp_path: Path) -> None:
    app = create_app(Settings(store=path, cache_dir=tmp_path, comments=False))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as reader:
        page = await reader.get("/")
        assert page.status_code == 200
        assert "data-comments" not in page.text
        assert 'id="comments"' not in page.text
        problem_body(await reader.get("/comments"), 404)
        problem_body(await post(reader, "hello"), 404)
    assert not is_made(path)


@pytest.fixture(params=["corrupt", "a folder", "in a folder that can't be made"])
def broken(path: Path, request: pytest.FixtureRequest) -> Path:
    """The path of a store that can't be used."""
    if request.param == "corrupt":
        path.parent.mkdir()
        path.write_bytes(b"no database at all " * 300)
    elif request.param == "a folder":
        path.mkdir(parents=True)
    else:
        path.parent.touch()
    return path


async def test_a_broken_store_costs_the_comments_alone(
    broken: Path, reader: httpx.AsyncClient
) -> None:
    for answer in (
        await post(reader, "hello"),
        await reader.get("/comments", headers=FRAGMENT),
        await reader.get("/comments", headers=JSON),
    ):
        detail = problem_body(answer, 503)["detail"]
        assert detail.startswith("Comments can't be read or kept just now.")
        assert str(broken.parent) not in answer.text
    assert (await reader.get("/")).status_code == 200
    assert (await reader.get("/experiments")).status_code == 200


async def test_in_a_read_only_store_comments_can_be_read(
    reader: httpx.AsyncClient, path: Path
) -> None:
    await post(reader, "before")
    make_read_only(path)
    problem_body(await post(reader, "after"), 503)
    assert await listed(reader) == ["before"]


async def test_while_the_store_is_locked_comments_are_read_and_the_page_does_not_wait(
    reader: httpx.AsyncClient,
    new_reader: NewReader,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stores, "BUSY_TIMEOUT_SECONDS", 30)
    await post(reader, "before")
    readers = [new_reader() for _ in range(WRITER_THREADS + MAX_WAITING + 5)]
    waiting = len(readers)
    answers: list[httpx.Response] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        async def write(someone: httpx.AsyncClient) -> None:
            nonlocal waiting
            answers.append(await post(someone, "hello"))
            waiting -= 1

        async with anyio.create_task_group() as writers:
            for someone in readers:
                writers.start_soon(write, someone)
            while len(answers) < 5:  # those beyond the line are turned away at once
                await anyio.lowlevel.checkpoint()
            assert await listed(reader) == ["before"]
            assert (await reader.get("/")).status_code == 200
            assert waiting == WRITER_THREADS + MAX_WAITING
            other.execute("ROLLBACK")
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [*[201] * (WRITER_THREADS + MAX_WAITING), *[503] * 5]


def test_two_servers_share_one_store(serve: Serve) -> None:
    """And a script that writes to both at once loses nothing."""
    servers = [serve(workers=1), serve(workers=1)]

    def write(number: int) -> int:
        with servers[number % 2].new_client() as reader:
            sent = {"name": "Ann", "text": f"comment {number}"}
            return reader.post("/comments", json=sent).status_code

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(write, range(24))) == [201] * 24
    for server in servers:
        with server.new_client() as reader:
            texts = {
                comment["text"] for comment in json_body(reader.get("/comments", headers=JSON))
            }
            assert texts == {f"comment {number}" for number in range(24)}


def test_a_server_whose_store_is_broken_trains_and_says_so_in_one_line(
    serve: Serve, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database at all " * 300)
    server = serve(store=broken, workers=1)
    server.wait_until_ready()
    with server.new_client() as reader:
        assert json_body(reader.get("/readyz"))["store"] == "file is not a database"
        for _ in range(3):
            problem_body(reader.get("/comments", headers=FRAGMENT), 503)
        assert reader.post(RUNS_PATH, json={"steps": 10}).status_code == 201
    lines = server.log.read_text().splitlines()
    assert len([line for line in lines if "store" in line and str(broken) in line]) == 1
    assert "Traceback" not in server.log.read_text()
