"""Live regions speak seldom: who listens to a run gets a word in."""

from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.browser.staged import SLOW

pytestmark = pytest.mark.browser

# Of all live regions of the page: when each message came, and the message.
LISTEN = """() => {
  window.heard = [];
  const note = (records) => {
    for (const region of new Set(records.map(({target}) =>
      (target.closest ? target : target.parentElement).closest("[role=status], [role=alert]"))))
      if (region?.textContent) heard.push([performance.now(), region.textContent]);
  };
  for (const region of document.querySelectorAll("[role=status], [role=alert]"))
    new MutationObserver(note).observe(
      region, {childList: true, characterData: true, subtree: true});
}"""
LEAST_MS = 2_900


def test_a_run_is_told_in_a_few_messages_some_seconds_apart(
    new_reader: NewReader, staged: str
) -> None:
    reader = new_reader(staged)
    reader.wait_for_points(51)
    reader.page.evaluate(LISTEN)
    reader.train(seed=SLOW)
    reader.expect_state("finished")
    spoken = reader.figure.locator("[data-speech]")
    expect(spoken).to_contain_text("Training finished. At learning rate")
    heard: list[tuple[float, str]] = reader.page.evaluate("heard")
    times, messages = zip(*heard, strict=True)
    assert messages[0] in ("Waiting to train.", "Training.")
    assert any("done" in message for message in messages)
    assert len(messages) <= 5, heard
    assert all(b - a > LEAST_MS for a, b in pairwise(times)), heard


def test_nothing_speaks_up_by_itself(reader: Reader) -> None:
    page = reader.page
    page.evaluate(LISTEN)
    for view in page.locator("[data-view]:visible").all():
        view.evaluate("(view) => view.scrollIntoView()")
        live = "view => view.matches('[data-live], :has([data-live])')"
        page.wait_for_function(live, arg=view.element_handle())
    said = "[...document.querySelectorAll('[role=status]')].map((one) => one.textContent).join('')"
    page.evaluate("() => new Promise((go) => setTimeout(go, 800))")  # a histogram pauses for 700
    assert page.evaluate("heard") == []
    assert page.evaluate(said) == ""


def test_a_widget_answers_once_the_reader_has_acted(reader: Reader) -> None:
    widget = reader.page.locator("[data-widget=batch]")
    expect(widget.locator("[data-status]")).to_contain_text("The data")
    expect(widget.locator("[data-answer]")).to_have_text("")
    widget.get_by_role("button", name="Subtract").press("Enter")
    expect(widget.locator("[data-answer]")).to_contain_text("The cloud has moved to the origin")
