"""What a reader looks at in a figure: one place in all its charts, one arm, one step."""

import csv
import io

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.support.processes import Server

pytestmark = pytest.mark.browser

# Of one chart: its arms' labels with the colour that their lines have now.
COLOURS = """(canvas) => Object.fromEntries(Chart.getChart(canvas).data.datasets
  .filter(({label}) => label).map(({label, borderColor}) => [label, borderColor]))"""


def chart(reader: Reader, metric: str) -> Locator:
    return reader.figure.locator(f"[data-chart={metric}]")


def value(reader: Reader, metric: str, arm: str) -> Locator:
    return chart(reader, metric).locator(f"[data-value-of='{arm}']")


def place(reader: Reader, metric: str) -> Locator:
    return chart(reader, metric).locator("[data-at]")


def drawn(reader: Reader, metric: str, arm: str, step: int) -> float:
    return next(y for x, y in reader.curves()[metric][arm] if x == step)


def scrubber(reader: Reader) -> Locator:
    return reader.figure.get_by_role("slider", name="training step").first


def test_the_values_at_the_end_stand_above_each_chart_from_the_first_on(reader: Reader) -> None:
    before = chart(reader, "test_accuracy").locator("[data-values]").inner_text()
    reader.wait_for_points(51)
    expect(place(reader, "test_accuracy")).to_have_text("step 100")
    last = drawn(reader, "test_accuracy", "BatchNorm, rate 0.5", 100)
    expect(value(reader, "test_accuracy", "bn@0.5")).to_have_text(f"{last:.1%}")
    assert chart(reader, "test_accuracy").locator("[data-values]").inner_text() == before


def test_a_pointer_in_one_chart_reads_all_of_them(reader: Reader) -> None:
    reader.wait_for_points(51)
    canvas = chart(reader, "test_loss").locator("canvas")
    canvas.hover(position={"x": 200, "y": 60})
    expect(place(reader, "test_loss")).not_to_have_text("step 100")
    step = int(place(reader, "test_loss").inner_text().removeprefix("step "))
    expect(place(reader, "test_accuracy")).to_have_text(f"step {step}")
    expect(scrubber(reader)).to_have_attribute("aria-valuetext", f"step {step}")
    # Measured at even steps: the nearest one is read.
    measured = drawn(reader, "test_accuracy", "Plain, rate 0.1", step - step % 2)
    expect(value(reader, "test_accuracy", "cnn@0.1")).to_have_text(f"{measured:.1%}")
    reader.page.mouse.move(5, 5)
    expect(place(reader, "test_loss")).to_have_text("step 100")
    # A press keeps the place.
    canvas.click(position={"x": 200, "y": 60})
    reader.page.mouse.move(5, 5)
    expect(place(reader, "test_accuracy")).to_have_text(f"step {step}")


def test_the_scrubber_drives_all_charts_by_keyboard_and_lets_go_at_its_end(reader: Reader) -> None:
    reader.wait_for_points(51)
    scrubber(reader).focus()
    reader.page.keyboard.press("Home")
    for metric in ("test_loss", "test_accuracy"):
        expect(place(reader, metric)).to_have_text("step 0")
    start = drawn(reader, "test_accuracy", "Plain, rate 0.5", 0)
    expect(value(reader, "test_accuracy", "cnn@0.5")).to_have_text(f"{start:.1%}")
    reader.page.keyboard.press("ArrowRight")  # points come every second step
    expect(place(reader, "test_loss")).to_have_text("step 2")
    reader.page.keyboard.press("End")
    expect(place(reader, "test_loss")).to_have_text("step 100")
    # It follows the newest step again, that of another run.
    reader.train(steps=20, seed=1)
    reader.expect_state("finished")
    expect(place(reader, "test_loss")).to_have_text("step 20")


def test_what_is_read_is_what_the_csv_has(reader: Reader) -> None:
    reader.train(steps=10, seed=3)
    reader.expect_state("finished")
    reader.look()
    text = reader.fetch(f"/runs/{reader.run_id()}/metrics.csv")["text"]
    rows = list(csv.DictReader(io.StringIO(text)))
    scrubber(reader).focus()
    reader.page.keyboard.press("Home")
    for step in (0, 2, 4):
        expect(place(reader, "test_loss")).to_have_text(f"step {step}")
        for row in rows:
            if row["metric"] == "test_loss" and int(row["step"]) == step:
                shown = value(reader, "test_loss", row["arm"]).inner_text()
                assert float(shown) == pytest.approx(float(row["value"]), rel=5e-3)
        reader.page.keyboard.press("ArrowRight")


def test_a_profile_is_read_by_keyboard_and_shows_the_chosen_step(
    new_reader: NewReader, server: Server
) -> None:
    reader = new_reader(server.url)
    reader.slug = "distance"
    reader.wait_for_points(13)
    plot = chart(reader, "beta_over_distance").get_by_role("slider")
    plot.focus()
    end = plot.get_attribute("aria-valuetext")
    reader.page.keyboard.press("Home")
    expect(place(reader, "beta_over_distance")).to_contain_text("1/64, step 100")
    expect(place(reader, "change_over_distance")).to_contain_text("1/64, step 100")
    assert plot.get_attribute("aria-valuetext") != end
    late = value(reader, "beta_over_distance", "cnn").inner_text()
    scrubber(reader).focus()
    reader.page.keyboard.press("Home")
    expect(place(reader, "beta_over_distance")).to_contain_text("1/64, step 0")
    expect(value(reader, "beta_over_distance", "cnn")).not_to_have_text(late)


def test_pointing_at_a_name_in_the_legend_shows_its_curve(reader: Reader) -> None:
    reader.wait_for_points(51)
    canvas = chart(reader, "test_loss").locator("canvas")
    as_it_is = canvas.evaluate(COLOURS)
    name = reader.figure.get_by_role("button", name="Plain, rate 0.5")
    name.hover()
    reader.curves()
    pointed = canvas.evaluate(COLOURS)
    assert pointed["Plain, rate 0.5"] == as_it_is["Plain, rate 0.5"]
    others = [label for label in as_it_is if label != "Plain, rate 0.5"]
    assert all(pointed[label] != as_it_is[label] for label in others)
    reader.page.mouse.move(5, 5)
    reader.curves()
    assert canvas.evaluate(COLOURS) == as_it_is

    # By keyboard, and for good.
    name.focus()
    reader.page.keyboard.press("Enter")
    expect(name).to_have_attribute("aria-pressed", "true")
    reader.figure.get_by_role("button", name="Plain, rate 0.1").focus()
    reader.page.mouse.move(5, 5)
    name.focus()
    reader.page.keyboard.press("Space")
    expect(name).to_have_attribute("aria-pressed", "false")


def test_words_of_the_text_that_name_a_curve_show_it_in_its_figure(reader: Reader) -> None:
    reader.wait_for_points(51)
    words = reader.page.locator("[data-names='learning-rates cnn@0.5']")
    in_text = words.nth(1)
    expect(in_text).to_have_role("button")
    faint = reader.figure.locator(".legend [data-faint]")
    in_text.hover()
    expect(faint).to_have_count(3)
    reader.page.mouse.move(5, 5)
    expect(faint).to_have_count(0)
    in_text.click()
    reader.page.mouse.move(5, 5)
    expect(faint).to_have_count(3)
    for other in (words.first, reader.figure.get_by_role("button", name="Plain, rate 0.5")):
        expect(other).to_have_attribute("aria-pressed", "true")


def test_the_text_quotes_the_run_that_is_shown(reader: Reader) -> None:
    quoted = reader.page.locator("[data-verdict-of=learning-rates]")
    expect(quoted).to_have_text(reader.figure.locator(".verdict").inner_text())
    reader.train(steps=400, seed=3)
    reader.expect_state("running")
    expect(quoted).to_contain_text("still going on")
    reader.button("Stop").click()
    reader.expect_state("stopped")
    expect(quoted).to_contain_text("stopped before its end")
    reader.train(steps=10, seed=4)
    expect(quoted).to_contain_text("At learning rate 0.5")
    expect(quoted).to_have_text(reader.figure.locator(".verdict").inner_text())
    expect(reader.page.locator(".saw [data-shown-of=learning-rates]")).to_have_text(
        "the run of seed 4"
    )
