import re
from html.parser import HTMLParser

import httpx
import pytest

from app.experiments import EXPERIMENTS
from tests.processes import Server
from tests.web.asking import RUNS, FinishedRun, json_of, problem_of, train, watch

FRAGMENT = {"HX-Request": "true"}


class Tags(HTMLParser):
    """All elements of a page, as (name, attributes)."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def with_attribute(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for _, attributes in self.found if name in attributes]


def figure_of(page: str) -> dict[str, str | None]:
    figures = Tags(page).with_attribute("data-figure")
    return next(figure for figure in figures if figure["data-figure"] == "learning-rates")


SECTIONS = [
    "introduction",
    "mechanics",
    "does-it-work",
    "internal-covariate-shift",
    "error-surface",
    "fundamental-analysis",
    "noise",
    "smoothness",
    "beyond",
    "references",
    "comments",
]


def test_the_article_has_its_sections_and_widgets_in_their_order(reader: httpx.Client) -> None:
    tags = Tags(reader.get("/").text)
    assert [a["id"] for name, a in tags.found if name == "section"] == SECTIONS
    widgets = [attributes["data-widget"] for attributes in tags.with_attribute("data-widget")]
    assert widgets == ["batch", "train-or-test", "bowl"]


def test_the_article_opens_with_its_figures_recorded(reader: httpx.Client) -> None:
    answer = reader.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    figures = Tags(answer.text).with_attribute("data-figure")
    assert [figure["data-figure"] for figure in figures] == list(EXPERIMENTS)
    assert {figure["data-state"] for figure in figures} == {"recorded"}
    assert "recorded run" in answer.text
    for slug in EXPERIMENTS:
        assert f"<code>python -m app train {slug} --seed 1</code>" in answer.text
    assert 'class="line line-' in answer.text  # drawn without a script


def test_everything_on_the_page_comes_from_this_server(reader: httpx.Client) -> None:
    loaded = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}
    for tag, attributes in Tags(reader.get("/").text).found:
        if tag in loaded:
            address = attributes.get(loaded[tag])
            assert address is not None, f"inline {tag}"
            assert address.startswith("/"), address
            assert not address.startswith("//"), address


def test_the_page_has_nothing_that_the_content_policy_forbids(reader: httpx.Client) -> None:
    page = Tags(reader.get("/").text)
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
    receipt = json_of(finished.reader.get(finished.path, headers={"Accept": "application/json"}))
    assert receipt["verdict"] in answer.text
    assert f"{finished.path}/metrics.csv" in answer.text
    assert "python -m app train learning-rates --seed 7 --set steps=10" in answer.text
    assert f'href="{finished.path}/receipt.json"' in answer.text
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


def test_the_page_of_an_unknown_run_is_not_found(reader: httpx.Client) -> None:
    problem_of(reader.get("/runs/no-such-run", headers={"Accept": "text/html"}), 404)


def test_htmx_gets_the_panel_of_the_run_it_created(reader: httpx.Client) -> None:
    answer = reader.post(RUNS, data={"steps": "400"}, headers=FRAGMENT)
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<html" not in answer.text
    path = answer.headers["location"]
    (panel,) = Tags(answer.text).with_attribute("data-run")
    assert path == f"/runs/{panel['data-run']}"
    (stop,) = Tags(answer.text).with_attribute("hx-delete")
    assert stop["hx-delete"] == path
    reader.delete(path)
    stopped = reader.get(path, headers=FRAGMENT)
    assert Tags(stopped.text).with_attribute("hx-delete") == []
    assert Tags(stopped.text).with_attribute("hx-post")


def test_htmx_hears_of_a_bad_value_too(reader: httpx.Client) -> None:
    answer = reader.post(RUNS, data={"seed": "-1"}, headers=FRAGMENT)
    assert problem_of(answer, 422)["errors"][0]["field"] == "seed"


@pytest.mark.parametrize("state", ["stopped", "finished"])
def test_the_panel_of_an_ended_run_offers_another(
    server: Server, reader: httpx.Client, finished: FinishedRun, state: str
) -> None:
    path = finished.path
    if state == "stopped":
        path = train(reader, steps=400).headers["location"]
        reader.delete(path)
        watch(reader, path.rpartition("/")[2])
    panel = reader.get(path, headers=FRAGMENT)
    (run,) = Tags(panel.text).with_attribute("data-run")
    assert run["data-run-state"] == state
    # There is nothing to compare with where not all was measured.
    assert ("receipt.json" in panel.text) == (state == "finished")
    assert "Train again" in panel.text
