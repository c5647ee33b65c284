"""The page around the figure: layout, themes, keyboard, weight, and no scripts at all."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.support.processes import Server

pytestmark = pytest.mark.browser

# The project's own bound for a first load, over the wire.
MAX_BYTES = 250_000

WATCH_SHIFTS = """
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shift += entry.value;
  }).observe({type: "layout-shift", buffered: true});
"""


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_nothing_is_wider_than_the_window(
    width: int, new_reader: NewReader, server: Server
) -> None:
    reader = new_reader(server.url, width=width)
    reader.wait_for_points(51)
    assert reader.page.evaluate("document.documentElement.scrollWidth") == width


def test_loading_scrolling_and_drawing_the_recordings_moves_nothing(
    new_reader: NewReader, server: Server
) -> None:
    reader = new_reader(server.url)
    reader.page.add_init_script(WATCH_SHIFTS)
    reader.page.reload()
    for view in reader.page.locator("[data-view]:visible").all():
        view.scroll_into_view_if_needed()
        live = "view => view.matches('[data-live], :has([data-live])')"
        reader.page.wait_for_function(live, arg=view.element_handle())
    assert reader.page.evaluate("window.shift") < 0.01


def test_a_first_load_stays_within_its_weight(new_reader: NewReader, server: Server) -> None:
    reader = new_reader(server.url)
    reader.page.wait_for_load_state("networkidle")
    sizes: dict[str, int] = reader.page.evaluate(
        """() => Object.fromEntries(
          ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
            .map((entry) => [new URL(entry.name).pathname, entry.transferSize]))"""
    )
    assert len(sizes) > 8, sizes
    assert 0 < sum(sizes.values()) <= MAX_BYTES, sizes
    # What only a reader who scrolls needs comes when they do.
    assert not [path for path in sizes if re.search(r"chart-|d3-|recordings/", path)]


def test_everything_comes_from_this_server(new_reader: NewReader, server: Server) -> None:
    reader = new_reader("about:blank")
    addresses: list[str] = []
    reader.page.on("request", lambda request: addresses.append(request.url))
    reader.page.goto(server.url)
    reader.wait_for_points(51)
    assert addresses
    assert all(address.startswith((server.url, "data:")) for address in addresses), addresses


def test_the_figure_is_trained_and_stopped_with_the_keyboard_alone(reader: Reader) -> None:
    reader.button("Train").focus()
    reader.page.keyboard.press("Enter")
    reader.expect_state("running")
    reader.button("Stop").wait_for()
    reader.page.keyboard.press("Tab")
    expect(reader.button("Stop")).to_be_focused()
    reader.page.keyboard.press("Enter")
    reader.expect_state("stopped")
    reader.button("Train again").wait_for()
    reader.page.keyboard.press("Tab")
    expect(reader.button("Train again")).to_be_focused()


def test_the_theme_switch_is_remembered_and_redraws_the_charts(reader: Reader) -> None:
    reader.wait_for_points(51)

    def colour() -> object:
        return reader.figure.locator("canvas").first.evaluate(
            "canvas => Chart.getChart(canvas).data.datasets[0].borderColor"
        )

    before = colour()
    reader.page.get_by_role("button", name="Dark page").click()
    reader.curves()
    assert colour() != before
    reader.page.reload()
    expect(reader.page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(reader.page.get_by_role("button", name="Light page")).to_be_visible()


def test_without_scripts_the_recording_is_a_drawing_and_no_button_is_dead(
    new_reader: NewReader, server: Server
) -> None:
    reader = new_reader(server.url, java_script_enabled=False)
    drawing = reader.figure.locator(".plot img").first
    expect(drawing).to_be_visible()
    assert drawing.evaluate("(image) => image.complete && image.naturalWidth") == 528
    expect(reader.button("Train")).to_be_hidden()
    expect(reader.figure.locator(".look-for")).to_be_visible()
    expect(reader.page.locator(".saw").first).to_contain_text("the recorded run of seed")
    expect(reader.page.get_by_role("heading", level=1)).to_be_visible()


def test_the_two_networks_are_drawn_as_they_are_trained(reader: Reader) -> None:
    plain, normed = reader.page.locator(".network svg").all()
    expect(plain.locator(".lit")).to_have_count(0)
    expect(normed.locator(".lit")).to_have_count(2)
    for network in (plain, normed):
        expect(network.locator("rect.map")).to_have_count(1 + 8 + 8 + 16 + 16)
        expect(network.locator("circle.map")).to_have_count(10)


def test_the_page_has_one_title_and_its_landmarks(reader: Reader) -> None:
    expect(reader.page.locator("h1")).to_have_count(1)
    expect(reader.page.get_by_role("main")).to_have_count(1)
    for section in ("introduction", "mechanics", "does-it-work", "references"):
        expect(reader.page.locator(f"section#{section}")).to_have_count(1)
    for citation in reader.page.locator("a.cite").all():
        target = str(citation.get_attribute("href"))
        expect(reader.page.locator(target)).to_have_count(1)
