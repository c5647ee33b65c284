"""The card of a citation by pointer, keyboard and finger; back-links; copying the BibTeX entry."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewReader
from tests.browser.functions import call
from tests.browser.reader import Reader
from tests.support.processes import Server

pytestmark = pytest.mark.browser

TITLE = "How Does Batch Normalization Help Optimization?"
COPY_TEXT = "[data-copy-text]"


def citation(page: Page) -> Locator:
    return page.locator("#cite-santurkar2018-1")


def card(page: Page) -> Locator:
    return page.locator(".card:popover-open")


def expect_card(page: Page) -> None:
    expect(card(page)).to_contain_text(TITLE)
    expect(card(page)).to_contain_text("Aleksander Mądry")


def test_a_pointer_opens_the_card_goes_into_it_and_leaves(reader: Reader) -> None:
    citation(reader.page).hover()
    expect_card(reader.page)
    card(reader.page).get_by_role("link").hover()
    # Longer than leaving takes to close it: the pointer is in the card.
    reader.page.wait_for_function(
        """() => new Promise((resolve) => setTimeout(() =>
          resolve(document.querySelector(".card").matches(":popover-open")), 500))"""
    )
    reader.page.mouse.move(5, 5)
    expect(card(reader.page)).to_have_count(0)


def test_escape_closes_what_a_pointer_opened(reader: Reader) -> None:
    citation(reader.page).hover()
    expect_card(reader.page)
    reader.page.keyboard.press("Escape")
    expect(card(reader.page)).to_have_count(0)


def test_the_keyboard_opens_the_card_and_reaches_its_link(reader: Reader) -> None:
    keyboard = reader.page.keyboard
    reader.page.get_by_role("navigation").get_by_role("link").last.focus()
    keyboard.press("Tab")
    expect(reader.page.locator("#cite-ioffe2015-1")).to_be_focused()
    expect(card(reader.page)).to_contain_text("Reducing Internal Covariate Shift")
    keyboard.press("Tab")
    link = card(reader.page).get_by_role("link", name="arXiv:1502.03167")
    expect(link).to_be_focused()
    expect(link).to_have_attribute("href", "https://arxiv.org/abs/1502.03167")
    keyboard.press("Tab")
    expect(citation(reader.page)).to_be_focused()
    expect_card(reader.page)
    expect(reader.page.locator(".cite[data-open]")).to_have_count(1)


def test_escape_leads_from_the_card_back_to_its_citation(reader: Reader) -> None:
    keyboard = reader.page.keyboard
    citation(reader.page).focus()
    keyboard.press("Tab")
    expect(card(reader.page).get_by_role("link")).to_be_focused()
    keyboard.press("Escape")
    expect(card(reader.page)).to_have_count(0)
    expect(citation(reader.page)).to_be_focused()
    keyboard.press("Shift+Tab")
    expect(reader.page.locator("#cite-ioffe2015-1")).to_be_focused()


def test_a_finger_opens_the_card_with_its_first_tap(new_reader: NewReader, server: Server) -> None:
    page = new_reader(server.url, width=390, has_touch=True, is_mobile=True).page
    citation(page).tap()
    expect_card(page)
    assert "#ref-" not in page.url
    box = card(page).bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.locator("h1").tap()
    expect(card(page)).to_have_count(0)
    citation(page).tap()
    citation(page).tap()
    page.wait_for_url("**/#ref-santurkar2018")
    expect(card(page)).to_have_count(0)


def test_enter_follows_the_citation_and_the_back_link_returns(reader: Reader) -> None:
    citation(reader.page).focus()
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_url("**/#ref-santurkar2018")
    expect(card(reader.page)).to_have_count(0)
    entry = reader.page.locator("#ref-santurkar2018")
    expect(entry).to_be_in_viewport()
    entry.get_by_role("link", name="Back to").first.click()
    reader.page.wait_for_url("**/#cite-santurkar2018-1")
    expect(citation(reader.page)).to_be_in_viewport()
    expect(citation(reader.page)).to_be_focused()


def test_a_screen_reader_hears_the_entry_with_the_citation(reader: Reader) -> None:
    expect(citation(reader.page)).to_have_accessible_description(
        f"{TITLE} Shibani Santurkar, Dimitris Tsipras, Andrew Ilyas, Aleksander Mądry "
        "NeurIPS, 2018 · arXiv:1805.11604"
    )


def test_without_scripts_a_citation_is_a_link_and_nothing_is_dead(
    new_reader: NewReader, server: Server
) -> None:
    page = new_reader(server.url, java_script_enabled=False).page
    citation(page).click()
    page.wait_for_url("**/#ref-santurkar2018")
    expect(page.locator("#ref-santurkar2018")).to_contain_text(TITLE)
    expect(page.get_by_text("@misc{batchnorm2026")).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_be_hidden()


def test_copy_puts_the_entry_on_the_clipboard_and_says_so(
    new_reader: NewReader, server: Server
) -> None:
    page = new_reader(server.url, permissions=["clipboard-read", "clipboard-write"]).page
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("[data-copy-status]")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator(COPY_TEXT).text_content()
    assert copied.startswith("@misc{batchnorm2026,\n")
    expect(page.locator("[data-copy-status]")).to_be_empty()


def test_copy_selects_the_entry_where_there_is_no_clipboard(
    new_reader: NewReader, server: Server
) -> None:
    page = new_reader(server.url).page
    # As on a page that came over plain HTTP from another machine.
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("[data-copy-status]")).to_contain_text("Selected")
    selected = page.evaluate("getSelection().toString()")
    assert selected.strip() == page.locator(COPY_TEXT).text_content()


def test_the_address_that_others_can_reach_is_that_of_the_settings(plain_page: Page) -> None:
    assert call(plain_page, "dom/address.js", "m.publicAddress()") == plain_page.url.replace(
        "/comments", "/"
    )
    plain_page.evaluate(
        """() => {
          const link = document.createElement("link");
          Object.assign(link, { rel: "canonical", href: "https://lab.example/bn/" });
          document.head.append(link);
        }"""
    )
    try:
        address = call(plain_page, "dom/address.js", "m.publicAddress()")
        assert address == "https://lab.example/bn/"
    finally:
        plain_page.evaluate("document.querySelector('[rel=canonical]').remove()")


def test_the_text_has_its_own_letter_for_every_name(plain_page: Page) -> None:
    loaded = plain_page.evaluate(
        "async () => (await document.fonts.load('1rem \"Serif Supplement\"', 'ą')).length"
    )
    assert loaded == 1
