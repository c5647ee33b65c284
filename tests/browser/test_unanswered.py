"""Requests of the page that are never answered: each ends in plain words and a way to try again."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.browser.staged import ENDS, LINGERS
from tests.support.forwarder import Forwarder, forward, forwarding, ignore_requests

pytestmark = pytest.mark.browser

NO_ANSWER = "The server doesn’t answer. Try again in a moment."
LIMIT_MS = 16_000  # a little more than any request is given


@pytest.fixture
def network(staged: str) -> Iterator[Forwarder]:
    with forwarding(staged) as forwarder:
        yield forwarder


@pytest.fixture
def reader(network: Forwarder, new_reader: NewReader) -> Iterator[Reader]:
    """A reader behind the network, whose page's clock can be put forward."""
    reader = new_reader(network.url)
    reader.page.clock.install()
    yield reader
    # htmx and the browser report what was given up on the console.
    reports = ("console: Failed to load", "console: htmx")
    assert [error for error in reader.errors if not error.startswith(reports)] == []
    reader.errors.clear()


def give_up(reader: Reader, network: Forwarder, request: str) -> None:
    """Waits until the network has swallowed that request, and puts the page's clock forward."""
    expect(reader.page.locator("body")).to_be_attached()
    network.wait_for_request(request)
    reader.page.clock.fast_forward(LIMIT_MS)


def test_a_press_of_train_that_is_not_answered(reader: Reader, network: Forwarder) -> None:
    network.intercept = ignore_requests("POST /experiments/")
    reader.train(seed=ENDS, steps=10)
    give_up(reader, network, "POST /experiments/")
    expect(reader.figure.locator("[data-error]")).to_have_text(NO_ANSWER)
    network.intercept = forward
    reader.button("Train").first.click()
    reader.expect_state("finished")


def test_a_press_of_stop_that_is_not_answered(reader: Reader, network: Forwarder) -> None:
    reader.train(seed=LINGERS, steps=10)
    reader.wait_for_points(6)
    network.intercept = ignore_requests("DELETE /runs/")
    reader.button("Stop").click()
    give_up(reader, network, "DELETE /runs/")
    expect(reader.figure.locator("[data-error]")).to_have_text(NO_ANSWER)
    network.intercept = forward
    reader.button("Stop").click()
    reader.expect_state("stopped")


def test_a_run_whose_result_is_not_answered_gets_it_later(
    reader: Reader, network: Forwarder
) -> None:
    """At the end of a run the panel is asked for."""
    network.intercept = lambda connection: (
        connection.request_line.startswith("GET /runs/")
        and "/events" not in connection.request_line
    )
    reader.train(seed=ENDS + 1, steps=10)
    give_up(reader, network, "GET /runs/")
    expect(reader.figure.locator("[data-status]")).to_contain_text("doesn’t answer with its result")
    network.intercept = forward
    reader.page.evaluate("dispatchEvent(new Event('online'))")
    reader.expect_state("finished")


def test_a_run_that_the_server_no_longer_knows_is_said_to_be_forgotten(
    reader: Reader, network: Forwarder
) -> None:
    network.rewrite = ("/runs/", "/runs/un")  # as of a server that was started anew
    reader.train(seed=LINGERS + 1, steps=10)
    expect(reader.figure.locator("[data-status]")).to_contain_text("no longer knows this run")
    network.rewrite = ("", "")
    # It would keep the stage's only slot, and no later test's run would begin.
    assert reader.fetch(f"/runs/{reader.run_id()}", method="DELETE")["status"] == 202


def test_a_recording_that_does_not_come_is_asked_for_again(
    network: Forwarder, reader: Reader
) -> None:
    recording = "/recordings/learning-rates.json"
    network.intercept = ignore_requests(recording)
    reader.page.reload()
    reader.look()
    give_up(reader, network, recording)
    said = reader.figure.locator("[data-trouble]").filter(has_text="recorded run")
    expect(said).to_contain_text("The numbers of the recorded run did not load")
    expect(reader.figure.locator("[data-status]")).to_contain_text("Shown: a recorded run")
    network.intercept = forward
    said.get_by_role("button", name="Try again").click()
    reader.wait_for_points(51)
    expect(said).to_have_count(0)


def test_comments_that_do_not_come_and_a_comment_that_is_not_taken(
    reader: Reader, network: Forwarder
) -> None:
    section = reader.page.locator("[data-comments]")
    network.intercept = ignore_requests("GET /comments")
    section.scroll_into_view_if_needed()
    give_up(reader, network, "GET /comments")
    expect(section.locator("[data-error]")).to_have_text(NO_ANSWER)
    expect(section.get_by_role("link", name="Read the comments, or write one")).to_be_visible()
    network.intercept = forward
    reader.page.reload()
    section.scroll_into_view_if_needed()
    section.get_by_label("Name").fill("A reader")
    section.get_by_label("Comment").fill("Is anybody there?")
    network.intercept = ignore_requests("POST /comments")
    section.get_by_role("button", name="Post").click()
    give_up(reader, network, "POST /comments")
    expect(section.locator("[data-error]")).to_have_text(NO_ANSWER)
    expect(section.get_by_label("Comment")).to_have_value("Is anybody there?")
