"""Another language: its templates, its words, its numbers."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app.article import renderer
from app.article.assets import content_version
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
    shutil.copytree(renderer.TEMPLATES, templates)
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


def in_language(page: Page, lang: str, module: str, expression: str) -> Any:
    """The value of `expression` in a page of that language, where `m` is the module."""
    page.evaluate("(lang) => (document.documentElement.lang = lang)", lang)
    try:
        return call(page, f"{module}?lang={lang}", expression)
    finally:
        page.evaluate("document.documentElement.lang = 'en'")


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


@pytest.mark.parametrize("lang", ["", "x", "auto-translated-by-a-tool", "de_DE"])
def test_a_language_that_is_none_is_the_browser_s(lang: str, plain_page: Page) -> None:
    assert in_language(plain_page, lang, "text/numbers.js", "m.localised(0.5)") in ("0.5", "0,5")


@pytest.mark.parametrize(
    ("expression", "english", "german"),
    [
        ("m.fixed(-1.25, 1)", "−1.3", "−1,3"),
        ("m.fixed(-0.001, 2)", "0.00", "0,00"),
        ("m.percent(12.5, 1)", "12.5%", "12,5\N{NO-BREAK SPACE}%"),
        ("m.percent(50)", "50%", "50\N{NO-BREAK SPACE}%"),
        ("m.count(12345)", "12,345", "12.345"),
        ("m.numeral(0.25)", "0.25", "0,25"),
        ("m.numeral(-2500000)", "−2.5·10⁶", "−2,5·10⁶"),
        ("m.numeral(2000000)", "2·10⁶", "2·10⁶"),
        ("m.localised('-0.05')", "−0.05", "−0,05"),
    ],
)
def test_numbers_are_written_as_the_language_does(
    plain_page: Page, expression: str, english: str, german: str
) -> None:
    assert in_language(plain_page, "en", "text/numbers.js", expression) == english
    assert in_language(plain_page, "de", "text/numbers.js", expression) == german
