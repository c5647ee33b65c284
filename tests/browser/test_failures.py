"""Rows 10, 15, 21 and 22 of docs/failures.md, which need a browser: the page and its streams."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.conftest import Serve
from tests.failures.watching import abort, open_stream
from tests.support.processes import Server

pytestmark = pytest.mark.browser


def streams_of(page: Page) -> list[str]:
    """Collects the addresses of the streams that the page asks for from now on."""
    asked: list[str] = []

    def note(request: Request) -> None:
        if urlsplit(request.url).path.endswith("/events"):
            asked.append(request.url)

    page.on("request", note)
    return asked


def steps_of(reader: Reader) -> list[list[float]]:
    """The steps of each line of the first chart."""
    return [[step for step, _ in line] for line in reader.curves()["test_loss"].values()]


HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  Object.defineProperty(
    document, "visibilityState", {value: hidden ? "hidden" : "visible", configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@contextmanager
def hidden(page: Page) -> Iterator[None]:
    """As in a tab that nobody sees: the page is told so, and then that it is seen."""
    page.evaluate(HIDE, True)
    yield
    page.evaluate(HIDE, False)


def test_row_10_the_page_asks_for_nothing_more_once_a_run_is_done(reader: Reader) -> None:
    """EventSource would come back 3 s after its stream's end."""
    asked = streams_of(reader.page)
    reader.train(steps=10)
    reader.expect_state("finished")
    reader.page.evaluate("() => new Promise((go) => setTimeout(go, 3500))")
    assert len(asked) == 1


def test_row_15_a_double_click_starts_one_run(reader: Reader) -> None:
    posts: list[str] = []
    reader.page.on(
        "response",
        lambda answer: (
            posts.append(str(answer.headers.get("location")))
            if answer.request.method == "POST"
            else None
        ),
    )
    reader.figure.locator("details.settings summary").click()
    reader.figure.locator("[name=steps]").fill("10")
    reader.button("Train").dblclick()
    reader.expect_state("finished")
    assert len(set(posts)) == 1, posts


def test_row_21_a_page_without_a_live_run_holds_no_stream(
    new_reader: NewReader, server: Server
) -> None:
    reader = new_reader(server.url)
    asked = streams_of(reader.page)
    reader.look()
    reader.wait_for_points(51)
    assert asked == []


@pytest.mark.long
def test_row_21_of_six_tabs_that_watch_a_run_the_seen_one_gets_its_answers(reader: Reader) -> None:
    """Over HTTP/1.1 a browser has six connections to a server: six streams would take them all."""
    reader.train(steps=400, seeds=2)
    reader.wait_for_points(2)
    tabs = [reader.page]
    for _ in range(5):
        tabs[-1].evaluate(HIDE, True)
        tab = reader.page.context.new_page()
        tab.goto(f"{reader.page.url}runs/{reader.run_id()}")
        status = tab.locator("[data-figure=learning-rates][data-state=running] [data-status]")
        expect(status).to_contain_text("step")  # its stream is open
        tabs.append(tab)
    asked = monotonic()
    seen = Reader(tabs[-1], reader.errors)
    assert seen.fetch("/healthz")["status"] == 200
    took = monotonic() - asked
    assert took <= 2, f"answered after {took:.2f} s"
    seen.fetch(f"/runs/{reader.run_id()}", method="DELETE")


@pytest.mark.long
@pytest.mark.parametrize("seconds", [0, 30])
def test_row_22_a_hidden_tab_catches_up_and_doubles_no_point(reader: Reader, seconds: int) -> None:
    asked = streams_of(reader.page)
    reader.train(steps=400 if seconds else 100, seed=1)
    reader.wait_for_points(3)
    with hidden(reader.page):
        reader.page.evaluate("(s) => new Promise((go) => setTimeout(go, 1000 * s))", seconds)
        assert len(asked) == 1
    reader.page.goto("about:blank")
    reader.page.go_back()
    reader.page.go_forward()
    reader.page.go_back()
    reader.expect_state("finished")
    expected = list(range(0, (400 if seconds else 100) + 1, 2))
    assert steps_of(reader) == [expected] * 4


def test_row_22_a_reload_in_mid_run_loses_no_point(reader: Reader) -> None:
    reader.train(steps=40, seed=1)
    reader.wait_for_points(3)
    run = reader.run_id()
    reader.page.reload()
    reader.expect_state("running", "finished")
    assert reader.run_id() == run
    reader.expect_state("finished")
    for line in reader.curves()["test_accuracy"].values():
        assert [step for step, _ in line] == list(range(0, 41, 2))


def test_row_22_going_away_and_back_in_mid_run_doubles_no_point(reader: Reader) -> None:
    reader.train(steps=60, seed=1)
    reader.wait_for_points(3)
    reader.page.goto("about:blank")
    reader.page.go_back()
    reader.expect_state("finished")
    for line in reader.curves()["test_loss"].values():
        assert [step for step, _ in line] == list(range(0, 61, 2))


def test_row_22_a_tab_that_is_seen_again_goes_on_with_its_stream(reader: Reader) -> None:
    asked = streams_of(reader.page)
    reader.train(steps=400, seed=1)  # far more than it takes to hide
    reader.wait_for_points(3)
    with hidden(reader.page):
        pass
    reader.wait_for_points(8)
    reader.button("Stop").click()
    reader.expect_state("stopped")
    for steps in steps_of(reader):
        assert steps == list(range(0, 2 * len(steps), 2))
    first, second = asked
    assert "last_event_id=" in second
    assert "last_event_id=" not in first


@pytest.mark.long
def test_a_page_that_finds_no_room_for_its_stream_polls(
    serve: Serve, new_reader: NewReader
) -> None:
    own = serve(workers=1, streams=1)
    own.wait_until_ready()
    with own.new_client() as other:
        location = other.post("/experiments/learning-rates/runs", json={"steps": 400}).headers[
            "location"
        ]
        holder = open_stream(own, f"{location}/events")
        assert holder.recv(12) == b"HTTP/1.1 200"
        reader = new_reader(own.url)
        reader.train(steps=10)
        expect(reader.figure.locator("[data-status]")).to_contain_text("Many readers are watching")
        abort(holder)
        other.delete(location)
    reader.expect_state("finished")
    assert steps_of(reader) == [list(range(0, 11, 2))] * 4
    # The browser itself reports the refusal on its console.
    assert [e for e in reader.errors if "503" not in e] == []
    reader.errors.clear()
