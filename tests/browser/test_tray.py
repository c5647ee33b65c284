"""The tray of a figure's runs: shown again, pinned behind another one, kept and forgotten."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.browser.staged import ENDS

pytestmark = pytest.mark.browser

PINNED = """(canvas) => Chart.getChart(canvas).data.datasets
  .filter(({pin}) => pin)
  .map(({data, pin}) => [pin, data.map(({x, value}) => [x, value])])"""


def tray(reader: Reader) -> Locator:
    """The tray, open."""
    element = reader.figure.locator("[data-tray]")
    if element.get_attribute("open") is None:
        element.locator("summary").click()
    return element


def pinned(reader: Reader) -> list[list[object]]:
    reader.curves()
    lines: list[list[object]] = reader.figure.locator("[data-chart=test_loss] canvas").evaluate(
        PINNED
    )
    return lines


def train(reader: Reader, **settings: object) -> str:
    reader.train(steps=10, **settings)
    reader.expect_state("running", "finished")
    finished = f"[data-run-state=finished][data-seed='{settings['seed']}']"
    reader.figure.locator(finished).wait_for(state="attached")
    return reader.run_id()


def test_a_pinned_run_stays_behind_the_next_one_and_can_be_shown_again(reader: Reader) -> None:
    expect(reader.figure.locator("[data-tray]")).to_be_hidden()
    first = train(reader, seed=5)
    lines = reader.curves()["test_loss"]
    reader.button("Pin its lines").click()
    reader.button("Unpin its lines").wait_for()
    second = train(reader, seed=6, gamma0=1)
    assert first != second
    reader.look()
    behind = pinned(reader)
    assert [run for run, _ in behind] == [first] * 4
    assert [line for _, line in behind] == list(lines.values())
    expect(reader.figure.locator("[data-pins]")).to_contain_text("Seed 5, steps 10")

    rows = tray(reader).get_by_role("listitem")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Seed 6")
    expect(rows.first).to_contain_text("gamma0 1")
    expect(rows.first).to_contain_text("At learning rate 0.5")
    show = tray(reader).get_by_role("button", name="Show the run of seed 5")
    show.click()
    reader.figure.locator(f"[data-run='{first}']").wait_for(state="attached")
    expect(show).to_be_focused()
    assert reader.curves()["test_loss"] == lines
    expect(reader.figure.locator("[data-status]")).to_contain_text("Seed 5")

    # All of it outlives the page.
    reader.page.reload()
    reader.look()
    expect(reader.figure.locator("[data-pins]")).to_contain_text("Seed 5")
    assert len(pinned(reader)) == 4
    tray(reader).get_by_role("button", name="Unpin the run of seed 5").click()
    expect(reader.figure.locator("[data-pins]")).to_be_hidden()
    assert pinned(reader) == []


def test_of_many_pins_the_oldest_gives_way(new_reader: NewReader, staged: str) -> None:
    reader = new_reader(staged)
    for seed in range(ENDS, ENDS + 4):
        train(reader, seed=seed)
        reader.button("Pin its lines").click()
        reader.button("Unpin its lines").wait_for()
    pins = reader.figure.locator("[data-pins] [role=button]")
    expect(pins).to_have_text([f"Seed {seed}, steps 10" for seed in range(ENDS + 3, ENDS, -1)])


def test_a_run_pinned_in_one_tab_is_drawn_in_the_other(reader: Reader) -> None:
    run = train(reader, seed=5)
    other = Reader(reader.page.context.new_page(), reader.errors)
    other.page.goto(reader.page.url)
    other.wait_for_points(51)
    reader.button("Pin its lines").click()
    expect(other.figure.locator("[data-pins]")).to_contain_text("Seed 5")
    other.page.wait_for_function(
        f"(canvas) => ({PINNED})(canvas).length === 4",
        arg=other.figure.locator("[data-chart=test_loss] canvas").element_handle(),
    )
    assert [pin for pin, _ in pinned(other)] == [run] * 4


def test_a_run_that_the_server_no_longer_knows_leaves_the_tray(
    new_reader: NewReader, staged: str
) -> None:
    reader = new_reader(staged)
    train(reader, seed=ENDS)
    reader.page.evaluate(
        """() => {
          const key = "runs of learning-rates";
          const [run] = JSON.parse(localStorage.getItem(key));
          const gone = {...run, id: "gone", seed: "9", pinned: true};
          localStorage.setItem(key, JSON.stringify([run, gone]));
        }"""
    )
    reader.page.reload()
    reader.look()
    expect(tray(reader).get_by_role("listitem")).to_have_count(1)
    reader.errors.clear()  # the browser notes a 404
