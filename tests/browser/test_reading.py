"""What is read off the charts: only places at which something was measured, each named rightly."""

from itertools import pairwise

import pytest
from playwright.sync_api import Locator, expect

from app.experiments.catalogue.distance import NAMES
from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.support.processes import Server

pytestmark = pytest.mark.browser

DRAWN = """(chart) => window.Chart && Chart.getChart(chart.querySelector("canvas"))
  ?.data.datasets.some(({ data }) => data.length)"""
# By what it measures, the steps at which a chart has a value.
MEASURED = """(figure) => Object.fromEntries(
[...figure.querySelectorAll("[data-chart]")].map((chart) => [
  chart.dataset.chart,
  [...new Set(Chart.getChart(chart.querySelector("canvas")).data.datasets
    .filter(({ band }) => !band).flatMap(({ data }) => data.map(({ x }) => x)))],
]))"""


def chart(reader: Reader, metric: str) -> Locator:
    return reader.figure.locator(f"[data-chart={metric}]")


def open_all(reader: Reader) -> None:
    """Draws all charts of the figure, those on demand, too."""
    reader.figure.evaluate(
        "(figure) => figure.querySelectorAll('details').forEach((one) => (one.open = true))"
    )
    for each in reader.figure.locator("[data-chart]").all():
        each.scroll_into_view_if_needed()
        reader.page.wait_for_function(DRAWN, arg=each.element_handle())


def hold(reader: Reader, step: int) -> None:
    """Chooses a step as the slider does."""
    slider = reader.figure.locator("[data-scrub]").first
    slider.evaluate(
        "(slider, step) => { slider.value = step; slider.dispatchEvent(new Event('input')); }", step
    )


def test_charts_first_opened_while_a_step_is_held_draw_the_run_that_is_shown(
    reader: Reader,
) -> None:
    reader.train(steps=20, seed=2)
    reader.expect_state("finished")
    reader.wait_for_points(11)
    hold(reader, 10)
    reader.figure.locator(".more-charts > summary").click()
    dead = chart(reader, "dead_units")
    dead.scroll_into_view_if_needed()
    expect(dead.locator("[data-at]")).to_have_text("step 10")
    expect(dead.locator(".plot")).to_have_attribute("data-live", "")
    lines = reader.curves()["dead_units"]
    assert {line[-1][0] for line in lines.values()} == {20}
    value = next(y for x, y in lines["Plain, rate 0.5"] if x == 10)
    expect(dead.locator("[data-value-of='cnn@0.5']")).to_have_text(f"{value:.1%}")


def test_every_place_of_the_distance_is_read_by_its_own_name(reader: Reader) -> None:
    reader.slug = "distance"
    reader.wait_for_points(13)
    view = chart(reader, "beta_over_distance")
    plot = view.get_by_role("slider")
    plot.focus()
    reader.page.keyboard.press("Home")
    for _, name in NAMES:
        said = f"in learning rates: {name}, step 100"
        expect(view.locator("[data-at]")).to_contain_text(said)
        assert said in str(plot.get_attribute("aria-valuetext"))
        reader.page.keyboard.press("ArrowRight")
    view.locator(".chart-data > summary").click()
    places = view.locator("[data-table] tbody th")
    expect(places).to_have_text([name for _, name in NAMES])


@pytest.mark.parametrize("slug", ["survival", "sigmoid", "smoothness", "weight-scale"])
def test_only_steps_that_a_chart_measured_are_read_whatever_is_pointed_at(
    reader: Reader, slug: str
) -> None:
    reader.slug = slug
    reader.look()
    open_all(reader)
    measured: dict[str, list[float]] = reader.figure.evaluate(MEASURED)
    over_steps = reader.figure.locator("[data-chart]:not([data-place])")
    pointed = over_steps.first.locator("canvas")
    pointed.scroll_into_view_if_needed()
    box = pointed.bounding_box()
    assert box
    for share in (0.31, 0.47, 0.68, 0.83):
        pointed.hover(position={"x": share * box["width"], "y": 60})
        reader.curves()  # a frame
        for each in over_steps.all():
            if not each.is_visible():
                continue
            own = measured[str(each.get_attribute("data-chart"))]
            said = each.locator("[data-at]").inner_text().replace(",", "")
            assert int(said.removeprefix("step ")) in own
        slider = reader.figure.locator("[data-number]").first.inner_text().replace(",", "")
        assert any(int(slider) in steps for steps in measured.values())


def test_a_chart_shows_its_own_nearest_step_when_another_one_is_chosen(reader: Reader) -> None:
    """The loss is measured at each step of this figure, β at every fourth."""
    reader.slug = "smoothness"
    reader.look()
    open_all(reader)
    chart(reader, "beta").scroll_into_view_if_needed()
    hold(reader, 42)
    expect(chart(reader, "beta").locator("[data-at]")).to_have_text("step 40")
    expect(chart(reader, "loss_change").locator("[data-at]")).to_have_text("step 42")
    expect(reader.figure.locator("[data-number]").first).to_have_text("42")


@pytest.mark.parametrize(
    ("slug", "metric"), [("edge-of-stability", "sharpness"), ("smoothness", "beta")]
)
def test_the_name_of_a_level_stands_outside_the_plot_where_it_hides_nothing(
    reader: Reader, slug: str, metric: str
) -> None:
    reader.slug = slug
    reader.look()
    view = chart(reader, metric)
    view.scroll_into_view_if_needed()
    key = view.locator(".level-key")
    expect(key).to_have_count(1)
    name, plot = key.bounding_box(), view.locator(".plot").bounding_box()
    assert name
    assert plot
    assert name["y"] + name["height"] <= plot["y"]


def test_what_comes_before_a_run_is_known_leaves_the_recorded_drawing(reader: Reader) -> None:
    """A change of theme, say, while the recording is still on its way."""
    page = reader.page
    page.route("**/recordings/*.json", lambda route: route.abort())
    page.reload()
    reader.look()
    page.wait_for_function("() => window.Chart")
    page.evaluate("() => new Promise((go) => setTimeout(go))")
    page.evaluate("() => dispatchEvent(new Event('themechange'))")
    page.evaluate(
        "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))"
    )
    expect(reader.figure.locator(".plot img").first).to_be_visible()
    reader.errors.clear()  # of what was aborted


# What a chart writes beside its curves: text and where, in the order of their height.
WRITTEN = """(canvas) => {
  const chart = Chart.getChart(canvas);
  const written = [];
  const { fillText } = chart.ctx;
  chart.ctx.fillText = (text, x, y) => written.push([text, x, y]);
  chart.render();
  chart.ctx.fillText = fillText;
  return written.filter(([, x]) => x > chart.chartArea.right).sort((a, b) => a[2] - b[2]);
}"""


def test_curves_are_named_where_they_end_and_no_name_hides_another(reader: Reader) -> None:
    reader.wait_for_points(51)
    written = chart(reader, "test_accuracy").locator("canvas").evaluate(WRITTEN)
    names = [text for text, _, _ in written]
    assert sorted(names) == sorted(reader.curves()["test_accuracy"])
    heights = [y for _, _, y in written]
    assert all(below - above >= 13.9 for above, below in pairwise(heights))
    # The highest curve has the highest name.
    last = {name: line[-1][1] for name, line in reader.curves()["test_accuracy"].items()}
    assert names == sorted(names, key=lambda name: -last[name])


def test_a_long_name_takes_several_lines_and_a_narrow_chart_none(
    new_reader: NewReader, server: Server
) -> None:
    reader = new_reader(server.url)
    reader.slug = "detached"
    reader.wait_for_points(11)
    canvas = chart(reader, "train_loss").locator("canvas")
    written = [text for text, _, _ in canvas.evaluate(WRITTEN)]
    assert "BatchNorm, statistics detached" not in written
    assert {"Plain", "BatchNorm"} < set(written)
    reader.page.set_viewport_size({"width": 390, "height": 900})
    reader.page.wait_for_function(
        "(canvas) => Chart.getChart(canvas).options.layout.padding.right === 0",
        arg=canvas.element_handle(),
    )
    assert canvas.evaluate(WRITTEN) == []
