"""The maps of a sweep: read, walked by keyboard, pressed."""

import re

import pytest
from playwright.sync_api import Locator, expect

from app.reproducibility import recorded_sweeps
from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.support.processes import Server

pytestmark = pytest.mark.browser


@pytest.fixture
def survival(new_reader: NewReader, server: Server) -> Reader:
    reader = new_reader(server.url)
    reader.slug = "survival"
    reader.look()
    return reader


def cell(reader: Reader, map_: int, row: int, column: int) -> Locator:
    table = reader.figure.locator("[data-map]").nth(map_)
    return table.locator("tbody tr").nth(row).locator("td button").nth(column)


def test_a_press_on_a_cell_trains_its_rate_and_seed_and_gives_what_the_map_has(
    survival: Reader,
) -> None:
    recorded = recorded_sweeps.load("survival")
    assert recorded is not None
    survival.figure.locator("details.settings summary").click()
    survival.figure.locator("[name=steps]").fill("20")  # the maps have 100
    cell(survival, 1, 3, 2).click()
    survival.expect_state("finished")
    receipt = survival.fetch(f"/runs/{survival.run_id()}", headers={"Accept": "application/json"})[
        "body"
    ]
    assert (receipt["seed"], receipt["seeds"]) == (4, 1)
    assert receipt["parameters"] == {**recorded.receipt["parameters"], "learning_rate": 0.1}
    accuracy = survival.curves()["test_accuracy"]["BatchNorm"][-1][1]
    compared = survival.figure.locator(".compared")
    expect(compared).to_contain_text("For learning rate 0.1 and seed 4 the maps have")
    mapped = recorded.ends[0.1, 4, "bn"].summary["test_accuracy"]
    same = "the same, digit for digit" in str(compared.text_content())
    plain = survival.curves()["test_accuracy"]["Plain"][-1][1]
    assert same == (
        (plain, accuracy) == (recorded.ends[0.1, 4, "cnn"].summary["test_accuracy"], mapped)
    )


def test_arrow_keys_walk_a_map_which_is_one_tab_stop(survival: Reader) -> None:
    press = survival.page.keyboard.press
    expect(survival.figure.locator("[data-map] button[tabindex='0']")).to_have_count(2)
    cell(survival, 0, 0, 0).focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft"):
        press(key)
    expect(cell(survival, 0, 1, 1)).to_be_focused()
    press("ArrowUp")
    press("ArrowUp")  # there is no row above
    expect(cell(survival, 0, 0, 1)).to_be_focused()
    press("End")
    expect(cell(survival, 0, 0, 7)).to_be_focused()
    press("Tab")
    expect(cell(survival, 1, 0, 0)).to_be_focused()
    press("Shift+Tab")
    expect(cell(survival, 0, 0, 7)).to_be_focused()


def test_a_cell_says_its_place_and_its_number(survival: Reader) -> None:
    reading = survival.figure.locator(".sweep [data-reading]")
    expect(reading).to_contain_text("python -m app record survival")
    chosen = cell(survival, 0, 2, 1)
    number = chosen.text_content()
    expect(chosen).to_have_accessible_name(f"Learning rate 0.03, seed 3. Plain: {number}%")
    chosen.hover()
    expect(reading).to_contain_text(f"Learning rate 0.03, seed 3: Plain {number}%; BatchNorm")
    expect(survival.figure.locator("td[data-here]")).to_have_count(2)
    survival.page.mouse.move(0, 0)
    expect(reading).to_contain_text("python -m app record survival")


def test_a_press_during_a_run_says_that_one_is_under_way(survival: Reader) -> None:
    survival.train(steps=400)
    survival.expect_state("running")
    cell(survival, 0, 0, 0).click()
    expect(survival.figure.locator(".sweep [data-reading]")).to_contain_text("A run is under way")
    survival.button("Stop").click()
    survival.expect_state("stopped")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_shade_keeps_its_number_legible(
    new_reader: NewReader, server: Server, scheme: str
) -> None:
    reader = new_reader(server.url, color_scheme=scheme)
    contrasts: list[float] = reader.page.evaluate(
        """() => {
          const canvas = new OffscreenCanvas(1, 1)
            .getContext("2d", { willReadFrequently: true });
          const luminance = (colour) => {
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
            const linear = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
              .map((value) => value / 255)
              .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
            return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
          };
          const shades = document.querySelectorAll("[data-figure=survival] .shades span");
          return [...shades].map((shade) => {
            const { color, backgroundColor } = getComputedStyle(shade);
            const both = [luminance(color), luminance(backgroundColor)];
            return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
          });
        }"""
    )
    assert len(contrasts) == 10
    assert min(contrasts) >= 4.5, contrasts


def test_without_scripts_the_maps_are_tables_without_dead_buttons(
    new_reader: NewReader, server: Server
) -> None:
    reader = new_reader(server.url, java_script_enabled=False)
    reader.slug = "survival"
    table = reader.figure.locator("[data-map]").first
    expect(table.locator("tbody td")).to_have_count(80)
    expect(table.locator("button")).to_have_count(0)
    expect(table.locator("tfoot")).to_contain_text(re.compile(r"median\s*\d"))
