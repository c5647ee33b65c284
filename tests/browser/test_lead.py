"""The slider of the parameter that a figure is about: let go, and the figure trains."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.support.processes import Server

pytestmark = pytest.mark.browser


@pytest.fixture
def reader(new_reader: NewReader, server: Server) -> Reader:
    """A reader at the figure, who has asked for few steps."""
    reader = new_reader(server.url)
    reader.slug = "depth"
    reader.wait_for_points(12)
    reader.figure.locator("details.settings summary").click()
    reader.figure.locator("[name=steps]").fill("10")
    return reader


def slider(reader: Reader) -> Locator:
    return reader.figure.get_by_role("slider", name="depth")


def drag(page: Page, handle: Locator, *, to: float) -> None:
    """From the middle of the track to that share of it."""
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.45, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * to, middle, steps=4)


def test_letting_the_slider_go_trains_with_its_value_and_the_seed_shown(reader: Reader) -> None:
    drag(reader.page, slider(reader), to=0)
    expect(reader.figure.locator("output")).to_have_text("2")
    reader.expect_state("recorded")  # not yet: it is still held
    reader.page.mouse.up()
    reader.expect_state("finished")
    run = reader.fetch(f"/runs/{reader.run_id()}", headers={"Accept": "application/json"})["body"]
    assert run["parameters"]["depth"] == 2
    assert run["parameters"]["steps"] == 10
    assert run["seed"] == 1  # the recording's
    sizes = reader.curves()["activation_size"]["BatchNorm"]
    assert [place for place, _ in sizes] == [1, 2]
    expect(slider(reader)).to_have_value("2")


def test_by_keyboard_it_trains_after_the_last_press_and_gets_the_focus_back(
    reader: Reader,
) -> None:
    posts: list[str] = []
    reader.page.on("request", lambda sent: posts.append(sent.url) if sent.post_data else None)
    reader.figure.locator("[name=steps]").fill("60")  # so that there is time to look
    slider(reader).focus()
    for _ in range(3):
        slider(reader).press("ArrowLeft")
    expect(reader.figure.locator("output")).to_have_text("9")
    reader.expect_state("running")
    reader.button("Stop").wait_for()
    expect(reader.figure.locator(".run")).to_be_focused()
    reader.expect_state("finished")
    expect(slider(reader)).to_be_focused()
    expect(slider(reader)).to_have_value("9")
    assert len(posts) == 1


def test_it_is_a_field_of_the_form_and_no_setting_twice(reader: Reader) -> None:
    fields = reader.figure.locator("[name=depth]")
    expect(fields).to_have_count(1)
    expect(reader.figure.locator("details [name=depth]")).to_have_count(0)
    reader.button("Train").click()
    reader.expect_state("finished")
    run = reader.fetch(f"/runs/{reader.run_id()}", headers={"Accept": "application/json"})["body"]
    assert run["parameters"]["depth"] == 12
