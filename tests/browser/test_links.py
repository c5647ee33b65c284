"""Links that open a figure with settings."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewReader
from tests.support.processes import Server

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 1280])
def test_a_link_leads_to_its_figure_and_trains_only_when_told_to(
    width: int, new_reader: NewReader, server: Server
) -> None:
    link = f"{server.url}/?figure=smoothness&depth=2&steps=10&seed=3"
    reader = new_reader(link, width=width)
    reader.slug = "smoothness"
    reader.expect_state("recorded")
    expect(reader.figure.locator(".verdict")).to_be_in_viewport()
    expect(reader.figure.locator("[name=depth]")).to_have_value("2")
    reader.button("Train").first.click()
    reader.expect_state("finished")
    expect(reader.figure.locator(".repeat")).to_contain_text("--seed 3 --set steps=10")
    run = reader.run_id()
    reader.page.reload()
    reader.look()
    reader.expect_state("finished")
    assert reader.run_id() == run


def test_a_second_link_in_the_same_tab_is_not_forgotten_for_the_first_ones_run(
    new_reader: NewReader, server: Server
) -> None:
    reader = new_reader(f"{server.url}/?figure=smoothness&depth=2&steps=10&seed=3")
    reader.slug = "smoothness"
    reader.button("Train").first.click()
    reader.expect_state("finished")
    reader.page.goto(f"{server.url}/?figure=smoothness&depth=3&seed=4")
    reader.wait_for_points(26)
    reader.expect_state("recorded")
    expect(reader.figure.locator("[name=depth]")).to_have_value("3")
