import re
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from app.errors import InvalidSettings
from app.experiments import EXPERIMENTS
from app.main import create_app
from app.settings import Settings
from tests.conftest import NewReader
from tests.support.http_client import (
    RUNS_PATH,
    FinishedRun,
    json_body,
    post_run,
    problem_body,
    read_stream,
)
from tests.support.markup import Elements
from tests.support.processes import Server

BROWSER = {"Accept": "text/html"}
FRAGMENT = {"HX-Request": "true"}


def figure_of(page: str) -> dict[str, str | None]:
    figures = Elements(page).with_attribute("data-figure")
    return next(figure for figure in figures if figure["data-figure"] == "learning-rates")


SECTIONS = [
    "introduction",
    "mechanics",
    "does-it-work",
    "internal-covariate-shift",
    "error-surface",
    "fundamental-analysis",
    "noise",
    "stillness",
    "smoothness",
    "beyond",
    "references",
    "comments",
]


def test_the_article_has_its_sections_and_widgets_in_their_order(reader: httpx.Client) -> None:
    tags = Elements(reader.get("/").text)
    assert [a["id"] for name, a in tags.found if name == "section"] == SECTIONS
    widgets = [attributes["data-widget"] for attributes in tags.with_attribute("data-widget")]
    assert widgets == ["batch", "train-or-test", "bowl"]


def test_the_contents_list_every_section_in_the_words_of_its_heading(
    reader: httpx.Client,
) -> None:
    page = reader.get("/").text
    contents = page.split('<nav class="contents"')[1].split("</nav>")[0]
    listed = re.findall(r'<a href="#([\w-]+)">([^<]+)</a>', contents)
    headings = re.findall(r'<section id="([\w-]+)"[^>]*>\s*<h2[^>]*>([^<]+)</h2>', page)
    # The page begins with the introduction, whose heading is for screen readers' lists of headings.
    assert headings.pop(0) == ("introduction", "Introduction")
    assert listed == headings
    assert [target for target, _ in listed] == SECTIONS[1:]


def test_the_article_opens_with_its_figures_recorded(reader: httpx.Client) -> None:
    answer = reader.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    figures = Elements(answer.text).with_attribute("data-figure")
    assert [figure["data-figure"] for figure in figures] == list(EXPERIMENTS)
    assert {figure["data-state"] for figure in figures} == {"recorded"}
    assert "recorded run" in answer.text
    for slug in EXPERIMENTS:
        assert f"<code>python -m app train {slug} --seed 1</code>" in answer.text
    assert 'class="line line-' in answer.text  # drawn without a script


def test_everything_on_the_page_comes_from_this_server(reader: httpx.Client) -> None:
    loaded = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "srcset"}
    for tag, attributes in Elements(reader.get("/").text).found:
        if tag in loaded:
            address = attributes.get(loaded[tag])
            assert address is not None, f"inline {tag}"
            assert address.startswith("./"), address
            assert not address.startswith("//"), address


def test_the_page_has_nothing_that_the_content_policy_forbids(reader: httpx.Client) -> None:
    page = Elements(reader.get("/").text)
    assert "style" not in {tag for tag, _ in page.found}
    assert page.with_attribute("style") == []
    handlers = {name for _, attributes in page.found for name in attributes if name[:2] == "on"}
    assert handlers == set()


def test_the_page_is_private_to_its_session(reader: httpx.Client) -> None:
    answer = reader.get("/")
    assert "private" in answer.headers["cache-control"]
    assert {"accept", "hx-request"} <= set(re.split(r", *", answer.headers["vary"].lower()))


def test_every_page_has_its_own_key_for_the_train_button(reader: httpx.Client) -> None:
    keys = [re.findall(r"Idempotency-Key[^0-9A-Za-z]+([\w-]+)", reader.get("/").text) for _ in "ab"]
    assert keys[0]
    assert not set(keys[0]) & set(keys[1])


def test_a_permalink_is_the_article_opened_at_the_run(finished: FinishedRun) -> None:
    answer = finished.reader.get(finished.path, headers={"Accept": "text/html"})
    assert figure_of(answer.text)["data-state"] == "finished"
    assert finished.created["id"] in answer.text
    receipt = json_body(finished.reader.get(finished.path, headers={"Accept": "application/json"}))
    assert receipt["verdict"] in answer.text
    assert f"{finished.path}/metrics.csv" in answer.text
    assert "python -m app train learning-rates --seed 7 --set steps=10" in answer.text
    assert f'href="..{finished.path}/receipt.json"' in answer.text
    assert "python -m app verify learning-rates-seed-7.json" in answer.text


def test_a_browser_gets_the_page_and_a_script_the_receipt(finished: FinishedRun) -> None:
    kinds = {
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": "text/html",
        "*/*": "text/html",
        "application/json": "application/json",
        "application/json, text/plain, */*": "application/json",
    }
    for accept, kind in kinds.items():
        answer = finished.reader.get(finished.path, headers={"Accept": accept})
        assert answer.headers["content-type"].startswith(kind), accept


def test_a_long_refusal_is_a_page_for_a_browser_that_takes_compressed_answers(
    reader: httpx.Client,
) -> None:
    fields = {f"field-{number}": "1" for number in range(40)}
    headers = {**BROWSER, "Accept-Encoding": "gzip"}
    answer = reader.post(RUNS_PATH, data=fields, headers=headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "field-39" in answer.text


def test_the_page_of_an_unknown_run_is_not_found(reader: httpx.Client) -> None:
    for path in ("/runs/no-such-run", "/runs/%00%3Cb%3E", "/runs/" + "x" * 300):
        problem_body(reader.get(path), 404)
        answer = reader.get(path, headers=BROWSER)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers.get_list("vary")
        assert "There is no such run, or it has expired." in answer.text
        assert {"href": "../"} in Elements(answer.text).with_attribute("href")
        assert "<b>" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "root"),
    [
        ("GET", "/no/such/page", 404, "../../"),
        ("GET", "/no-such-page", 404, "./"),
        ("GET", "/%2e%2e%2fetc", 404, "./"),
        ("GET", "/a//b", 404, "../../"),
        ("POST", "/", 405, "./"),
        ("POST", "/experiments/no-such/runs", 404, "../../"),
        ("POST", "/comments", 422, "./"),
        ("GET", "/runs/no-such-run/events", 404, "../../"),
        ("GET", "/runs/no-such-run/metrics.csv", 404, "../../"),
    ],
)
def test_whatever_goes_wrong_a_browser_gets_a_page_that_leads_to_the_article(
    reader: httpx.Client, method: str, path: str, status: int, root: str
) -> None:
    problem = problem_body(reader.request(method, path), status)
    answer = reader.request(method, path, headers=BROWSER)
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "text/html; charset=utf-8",
    )
    assert f"<h1>{problem['title']}</h1>" in answer.text
    assert {"href": root} in Elements(answer.text).with_attribute("href")
    style = answer.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert reader.get(urljoin(str(answer.url), style)).status_code == 200
    scripted = reader.request(method, path, headers={**BROWSER, "HX-Request": "true"})
    problem_body(scripted, status)


def test_a_permalink_has_all_that_makes_the_run_again(finished: FinishedRun) -> None:
    page = finished.reader.get(finished.path, headers=FRAGMENT).text
    links = [str(link["href"]) for link in Elements(page).with_attribute("href")]
    (link,) = [link for link in links if link.startswith(f".{finished.path}?")]
    assert finished.reader.get(link).text.count(finished.created["id"]) > 1
    query = link.partition("?")[2]

    # The same link when the run is gone.
    expired = finished.reader.get(f"/runs/expired?{query}")
    assert expired.status_code == 200
    (panel,) = Elements(expired.text).with_attribute("data-asked")
    assert panel["data-run-state"] == "recorded"
    fields = {
        str(field["name"]): field.get("value")
        for field in Elements(expired.text).with_attribute("name")
        if str(field.get("id", "")).startswith("learning-rates-")
    }
    assert {name: fields[name] for name in ("seed", "seeds", "steps")} == {
        "seed": "7",
        "seeds": "1",
        "steps": "10",
    }
    assert "python -m app train learning-rates --seed 7 --set steps=10" in expired.text


@pytest.mark.parametrize(
    "query",
    [
        *("figure=none&seed=7", "seed=7", "figure=learning-rates&seed=-1"),
        *("figure=learning-rates&seed=7&gamma0=nan", "figure=learning-rates&extra=1"),
        "figure=%3Cscript%3E&seed=%3Cscript%3E",
    ],
)
def test_a_link_that_names_no_run_that_could_be_made_is_not_found(
    reader: httpx.Client, query: str
) -> None:
    problem_body(reader.get(f"/runs/expired?{query}"), 404)


def test_an_expired_run_has_no_receipt_and_no_panel(reader: httpx.Client) -> None:
    link = "/runs/expired?figure=learning-rates&seed=7"
    problem_body(reader.get(link, headers={"Accept": "application/json"}), 404)
    problem_body(reader.get(link, headers=FRAGMENT), 404)


def test_only_who_asked_for_a_run_is_offered_to_stop_it(new_reader: NewReader) -> None:
    owner, visitor = new_reader(), new_reader()
    path = post_run(owner, steps=400).headers["location"]
    assert Elements(owner.get(path, headers=FRAGMENT).text).with_attribute("hx-delete")
    assert not Elements(visitor.get(path, headers=FRAGMENT).text).with_attribute("hx-delete")
    stopped = owner.delete(path, headers=FRAGMENT)
    (panel,) = Elements(stopped.text).with_attribute("data-run")
    assert (stopped.status_code, panel["data-run-state"]) == (202, "stopped")


def test_a_shared_run_is_stopped_for_one_and_goes_on_for_the_other(new_reader: NewReader) -> None:
    one, other = new_reader(), new_reader()
    path = post_run(one, seed=11, steps=400).headers["location"]
    shared = json_body(post_run(other, seed=11, steps=400))
    assert (f"/runs/{shared['id']}", shared["shared"]) == (path, True)
    assert json_body(one.delete(path))["state"] == "stopped"
    assert "goes on for them" in one.get(path, headers=FRAGMENT).text
    receipt = json_body(other.get(path, headers={"Accept": "application/json"}))
    assert receipt["state"] in ("queued", "running")
    assert json_body(other.delete(path))["state"] == "stopped"
    assert read_stream(other, shared["id"])[-1].data["state"] == "stopped"


def test_htmx_gets_the_panel_of_the_run_it_created(reader: httpx.Client) -> None:
    answer = reader.post(RUNS_PATH, data={"steps": "400"}, headers=FRAGMENT)
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<html" not in answer.text
    path = answer.headers["location"]
    (panel,) = Elements(answer.text).with_attribute("data-run")
    assert path == f"/runs/{panel['data-run']}"
    assert panel["data-trainings"] == "4"  # though two of them share each of the two workers
    (stop,) = Elements(answer.text).with_attribute("hx-delete")
    assert stop["hx-delete"] == f".{path}"
    reader.delete(path)
    stopped = reader.get(path, headers=FRAGMENT)
    assert Elements(stopped.text).with_attribute("hx-delete") == []
    assert Elements(stopped.text).with_attribute("hx-post")


def test_htmx_hears_of_a_bad_value_too(reader: httpx.Client) -> None:
    answer = reader.post(RUNS_PATH, data={"seed": "-1"}, headers=FRAGMENT)
    assert problem_body(answer, 422)["errors"][0]["field"] == "seed"


@pytest.mark.parametrize("state", ["stopped", "finished"])
def test_the_panel_of_an_ended_run_offers_another(
    server: Server, reader: httpx.Client, finished: FinishedRun, state: str
) -> None:
    path = finished.path
    if state == "stopped":
        path = post_run(reader, steps=400).headers["location"]
        reader.delete(path)
        read_stream(reader, path.rpartition("/")[2])
    panel = reader.get(path, headers=FRAGMENT)
    (run,) = Elements(panel.text).with_attribute("data-run")
    assert run["data-run-state"] == state
    # There is nothing to compare with where not all was measured.
    assert ("receipt.json" in panel.text) == (state == "finished")
    assert "Train again" in panel.text


def test_the_page_says_that_it_is_in_english(reader: httpx.Client) -> None:
    assert '<html lang="en">' in reader.get("/").text


def test_a_language_without_templates_is_one_line_at_the_start(tmp_path: Path) -> None:
    settings = Settings.model_validate({"language": "xx", "store": tmp_path / "store.db"})
    with pytest.raises(InvalidSettings) as raised:
        create_app(settings)
    assert str(raised.value) == "BATCHNORM_LANGUAGE: there is no folder templates/xx, got 'xx'"
