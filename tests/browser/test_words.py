"""Another language: its templates, its words, its numbers."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from app.article import renderer
from app.article.assets import content_version
from app.resources import TEMPLATES
from tests.browser.conftest import NewReader
from tests.browser.functions import call
from tests.support.toy_server import FakeServer, running_fake_server

SCRIPT = "text/words/xx.js"
WORDS = """
import { words } from "../words.js";
Object.assign(words, {
  article: { lightPage: "Fehér oldal", darkPage: "Fekete oldal" },
  figure: { ...words.figure, recordedRun: ({ seed }) => `a ${seed}. mag` },
});
"""


@pytest.fixture
def translated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A server whose page is in a language that has one section of its own."""
    templates = tmp_path / "templates"
    shutil.copytree(TEMPLATES, templates)
    section = templates / "xx" / "sections" / "introduction.html"
    section.parent.mkdir(parents=True)
    section.write_text('<section id="introduction"><p>Egy mondat.</p></section>')
    monkeypatch.setattr(renderer, "TEMPLATES", templates)
    monkeypatch.setattr(renderer, "translation_script", lambda _language: SCRIPT)
    with running_fake_server(tmp_path) as server:
        server.app.state.pages = renderer.PageRenderer(
            f"static/{content_version()}", comments=True, language="xx"
        )
        yield server


def test_a_translation_takes_the_place_of_what_it_translates(
    translated: FakeServer, new_reader: NewReader
) -> None:
    reader = new_reader("about:blank")
    reader.page.route(
        f"**/js/{SCRIPT}",
        lambda route: route.fulfill(body=WORDS, content_type="text/javascript"),
    )
    reader.page.goto(translated.url)
    assert reader.page.evaluate("document.documentElement.lang") == "xx"
    expect(reader.page.locator("#introduction")).to_have_text("Egy mondat.")
    expect(reader.page.get_by_role("button", name="Fekete oldal")).to_be_visible()
    reader.look()
    expect(reader.page.locator("[data-shown-of=learning-rates]").first).to_have_text("a 1. mag")
    # What it lacks is there in English.
    expect(reader.page.locator("#mechanics h2")).to_be_visible()
    expect(reader.page.get_by_text("The data: correlated").first).to_be_attached()


def test_a_language_whose_words_do_not_load_has_the_english_ones(
    translated: FakeServer, new_reader: NewReader
) -> None:
    reader = new_reader("about:blank")
    reader.page.route(f"**/js/{SCRIPT}", lambda route: route.fulfill(status=404))
    reader.page.goto(translated.url)
    expect(reader.page.locator("#introduction")).to_have_text("Egy mondat.")
    expect(reader.page.get_by_role("button", name="Dark page")).to_be_visible()
    expect(reader.page.locator(".unscripted")).to_be_hidden()
    assert "404" in reader.errors.pop()


def test_numbers_are_written_in_the_language_of_the_page(plain_page: Page) -> None:
    plain_page.evaluate("document.documentElement.lang = 'de'")
    try:
        assert call(plain_page, "text/numbers.js?anew", "m.localised(0.5)") == "0,5"
    finally:
        plain_page.evaluate("document.documentElement.lang = 'en'")
