"""What a reader takes away of a chart: its picture, its numbers, and a page on paper."""

import base64
import csv
import io
import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import Locator, Route, expect

from app.experiments.catalogue.smoothness import SMOOTHNESS
from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.support.processes import Server

pytestmark = pytest.mark.browser

SVG = "{http://www.w3.org/2000/svg}"
# The chart's own scales: where [x, y] lies, as a share of the plot from its upper left corner. What
# leaves the axis is drawn at its edge.
SHARES = """(canvas, points) => {
  const { chartArea: { left, top, width, height }, scales } = Chart.getChart(canvas);
  return points.map(([x, y]) => [
    (scales.x.getPixelForValue(x) - left) / width,
    (scales.y.getPixelForValue(Math.min(y, scales.y.max)) - top) / height,
  ]);
}"""
# Of the first line, one value is none and the next lies beyond the axis, as charts.js marks them.
BREAK_AND_LEAVE = """(canvas) => {
  const chart = Chart.getChart(canvas);
  const line = chart.data.datasets[0];
  line.data[10] = { ...line.data[10], y: null, value: null };
  line.pointRadius = line.data.map((_, index) => (index === 9 || index === 20 ? 4.5 : 0));
  line.pointStyle = line.data.map((_, index) => (index === 9 ? "crossRot" : "triangle"));
  line.pointRotation = line.data.map(() => 0);
  chart.update("none");
}"""
COUNT_COLOURS = """async (base64) => {
  const image = new Image();
  image.src = `data:image/png;base64,${base64}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set(new Uint32Array(data.buffer));
  return { width: canvas.width, corner: [...data.slice(0, 3)], colours: colours.size };
}"""


def chart_of(reader: Reader, metric: str) -> Locator:
    return reader.figure.locator(f"[data-chart={metric}]")


def opened(reader: Reader, metric: str) -> Locator:
    """The chart's disclosure, opened."""
    details = chart_of(reader, metric).locator(".chart-data")
    details.locator("summary").click()
    expect(details.locator("[data-table]")).not_to_be_empty()
    return details


def save(reader: Reader, details: Locator, kind: str) -> Path:
    with reader.page.expect_download() as download:
        details.get_by_role("button", name=kind).click()
    path = Path(download.value.path())
    return path.rename(path.with_name(download.value.suggested_filename))


def drawn(svg: ET.Element, label: str) -> list[list[tuple[float, float]]]:
    """The parts of a line, as shares of the plot from its upper left corner."""
    (clip,) = svg.iter(f"{SVG}clipPath")
    x, y, width, height = (float(clip[0].attrib[key]) for key in ("x", "y", "width", "height"))
    parts = [line for line in svg.iter(f"{SVG}polyline") if line.attrib["data-line"] == label]
    return [
        [
            ((float(a) - x - 6) / (width - 12), (float(b) - y - 6) / (height - 12))
            for a, b in (pair.split(",") for pair in part.attrib["points"].split())
        ]
        for part in parts
    ]


def words(svg: ET.Element) -> str:
    return " ".join(text.text or "" for text in svg.iter(f"{SVG}text"))


def of_csv(text: str, metric: str) -> dict[str, list[tuple[float, float]]]:
    """Arm → its points."""
    lines = defaultdict(list)
    for row in csv.DictReader(io.StringIO(text)):
        if row["metric"] == metric:
            lines[row["arm"]].append((float(row["step"]), float(row["value"])))
    return lines


@pytest.fixture
def trained(reader: Reader) -> Reader:
    reader.train(seed=7, steps=10, gamma0=1)
    reader.expect_state("finished")
    reader.wait_for_points(6)
    return reader


def test_the_picture_has_every_point_where_the_chart_has_it(trained: Reader) -> None:
    path = save(trained, opened(trained, "test_loss"), "SVG")
    assert path.name == "learning-rates-seed-7-test_loss.svg"
    svg = ET.parse(path).getroot()
    measured = of_csv(trained.fetch(f"/runs/{trained.run_id()}/metrics.csv")["text"], "test_loss")
    labels = {"cnn@0.1": "Plain, rate 0.1", "bn@0.5": "BatchNorm, rate 0.5"}
    canvas = chart_of(trained, "test_loss").locator("canvas")
    for arm, label in labels.items():
        assert len(measured[arm]) == 6
        expected: list[list[float]] = canvas.evaluate(SHARES, measured[arm])
        (line,) = drawn(svg, label)
        for place, share in zip(line, expected, strict=True):
            assert place == pytest.approx(share, abs=1e-4)


def test_the_picture_stands_alone(trained: Reader) -> None:
    svg = ET.parse(save(trained, opened(trained, "test_loss"), "SVG")).getroot()
    text = words(svg)
    for part in (
        *("Test loss", "Test loss (nats)", "training step", "BatchNorm, rate 0.5"),
        "Why Does Batch Normalization Work? Figure learning-rates, seed 7,",
        "with steps 10, gamma0 1.",
    ):
        assert part in text
    link = trained.page.url + f"runs/{trained.run_id()}?figure=learning-rates&seed=7"
    assert link in text.replace(" ", "")
    assert svg.attrib["aria-labelledby"] == "title desc"
    assert svg.find(f"{SVG}title").text == "Test loss"  # type: ignore[union-attr]
    assert "Last values: Plain, rate 0.1 2." in str(svg.find(f"{SVG}desc").text)  # type: ignore[union-attr]
    assert svg.attrib["font-family"].endswith("sans-serif")
    lines = {line.attrib["data-line"]: line.attrib for line in svg.iter(f"{SVG}polyline")}
    assert {name: line.get("stroke-dasharray") for name, line in lines.items()} == {
        "Plain, rate 0.1": "6 4",
        "BatchNorm, rate 0.1": "6 4",
        "Plain, rate 0.5": None,
        "BatchNorm, rate 0.5": None,
    }
    assert lines["Plain, rate 0.5"]["stroke"] == "#b34700"
    # Nothing that only a browser with this page would know.
    source = ET.tostring(svg, encoding="unicode")
    assert not re.search(r"var\(|style=|class=|href=|rgb\(", source)


def test_the_png_is_the_same_picture_at_twice_the_size(
    new_reader: NewReader, server: Server
) -> None:
    reader = new_reader(server.url, color_scheme="dark")
    reader.wait_for_points(51)
    details = opened(reader, "test_accuracy")
    path = save(reader, details, "PNG")
    assert path.name == "learning-rates-seed-1-test_accuracy.png"
    data = base64.b64encode(path.read_bytes()).decode()
    seen: dict[str, Any] = reader.page.evaluate(COUNT_COLOURS, data)
    assert (seen["width"], seen["corner"]) == (1440, [0x15, 0x17, 0x1B])  # the dark page's paper
    assert seen["colours"] > 20
    svg = ET.parse(save(reader, details, "SVG")).getroot()
    assert re.search(r"Recorded run of \d{4}-\d\d-\d\d\.$", words(svg))


def test_bands_levels_and_their_names_are_in_the_picture(
    new_reader: NewReader, server: Server
) -> None:
    reader = new_reader(server.url)
    reader.slug = "smoothness"
    reader.wait_for_points(26)
    svg = ET.parse(save(reader, opened(reader, "beta"), "SVG")).getroot()
    level, _ = SMOOTHNESS.parse({}).levels()
    assert words(svg).count(level.label) == 1  # in the legend
    svg = ET.parse(save(reader, opened(reader, "loss_min"), "SVG")).getroot()
    bands = [shape for shape in svg.iter(f"{SVG}polygon") if "data-band" in shape.attrib]
    assert [(band.attrib["fill"], band.attrib["fill-opacity"]) for band in bands] == [
        ("#0064a8", "0.16"),
        ("#b34700", "0.16"),  # the first network lies on top
    ]
    assert {len(band.attrib["points"].split()) for band in bands} == {2 * 26}
    assert len(next(item for item in svg.iter(f"{SVG}g") if "data-legend" in item.attrib)) == 4
    table = chart_of(reader, "loss_min").locator("tbody tr").first
    assert re.search(r"\d to \d", table.inner_text())


def test_gaps_crosses_and_triangles_are_in_picture_and_table(reader: Reader) -> None:
    reader.wait_for_points(51)
    chart_of(reader, "test_loss").locator("canvas").evaluate(BREAK_AND_LEAVE)
    details = opened(reader, "test_loss")
    svg = ET.parse(save(reader, details, "SVG")).getroot()
    assert [len(part) for part in drawn(svg, "Plain, rate 0.1")] == [10, 40]
    marks = [item.attrib["data-mark"] for item in svg.iter() if "data-mark" in item.attrib]
    assert marks == ["cross", "triangle"]
    rows = details.locator("tbody tr")
    expect(rows.nth(10).locator("td").nth(0)).to_have_text("–")
    expect(rows.nth(10).locator("td").nth(1)).not_to_have_text("–")


def test_the_table_has_every_value_with_its_headings(reader: Reader) -> None:
    reader.wait_for_points(51)
    details = opened(reader, "test_accuracy")
    region = details.get_by_role("region", name="Data of Test accuracy")
    table = region.get_by_role("table", name="Test accuracy, seed 1")
    expect(table.locator("tbody tr")).to_have_count(51)
    assert table.get_by_role("columnheader").all_inner_texts() == [
        *("training step", "Plain, rate 0.1", "BatchNorm, rate 0.1"),
        *("Plain, rate 0.5", "BatchNorm, rate 0.5"),
    ]
    assert table.get_by_role("rowheader").last.inner_text() == "100"
    curves = reader.curves()["test_accuracy"]
    last = [f"{line[-1][1]:.1%}" for line in curves.values()]
    assert table.locator("tbody tr").last.locator("td").all_inner_texts() == last
    region.focus()
    expect(region).to_be_focused()


def test_of_several_seeds_the_table_has_median_and_percentiles(reader: Reader) -> None:
    reader.train(seed=7, seeds=3, steps=10)
    reader.expect_state("finished")
    reader.wait_for_points(6)
    details = opened(reader, "test_loss")
    table = details.get_by_role(
        "table", name="Test loss (nats), seeds 7 to 9: median [10th–90th percentile]"
    )
    text = table.locator("tbody tr").last.locator("td").first.inner_text()
    low, high = [band[-1][1] for band in reader.bands("test_loss")[:2]]
    middle = reader.curves()["test_loss"]["Plain, rate 0.1"][-1][1]
    assert text == f"{middle:.4g} [{low:.4g}–{high:.4g}]"
    path = save(reader, details, "SVG")
    assert path.name == "learning-rates-seeds-7-to-9-test_loss.svg"
    assert "Band: 10th to 90th percentile. n = 3 seeds." in words(ET.parse(path).getroot())


def test_the_table_grows_with_the_run_once_a_second_at_most(reader: Reader) -> None:
    reader.wait_for_points(51)
    details = opened(reader, "test_loss")
    details.locator("[data-table]").evaluate(
        """(region) => {
          window.renewed = [];
          const observer = new MutationObserver(() => renewed.push(performance.now()));
          observer.observe(region, {childList: true});
        }"""
    )
    reader.train(steps=400)
    reader.expect_state("running")
    reader.page.wait_for_function("() => renewed.length > 3", timeout=60_000)
    times = reader.page.evaluate("renewed")
    assert min(b - a for a, b in pairwise(times)) > 900
    reader.button("Stop").click()


def test_where_nothing_is_drawn_yet_it_says_so_and_saves_nothing(reader: Reader) -> None:
    reader.wait_for_points(51)
    chart_of(reader, "test_loss").locator("canvas").evaluate(
        """(canvas) => {
          const chart = Chart.getChart(canvas);
          chart.data.datasets = [];
          chart.update("none");
        }"""
    )
    downloads: list[str] = []
    reader.page.on("download", lambda download: downloads.append(download.url))
    details = opened(reader, "test_loss")
    details.get_by_role("button", name="SVG").click()
    expect(details.get_by_role("status")).to_have_text("Nothing is drawn yet.")
    assert not downloads


def test_nothing_of_it_is_loaded_before_it_is_asked_for_and_without_scripts_it_is_hidden(
    new_reader: NewReader, server: Server
) -> None:
    reader = new_reader("about:blank")
    loaded: list[str] = []
    reader.page.on("request", lambda request: loaded.append(request.url.rpartition("/")[2]))
    reader.page.goto(server.url)
    reader.wait_for_points(51)
    assert not {"chart-data.js", "picture.js"} & set(loaded)
    opened(reader, "test_loss")
    assert {"chart-data.js", "picture.js"} < set(loaded)
    still = new_reader(server.url, java_script_enabled=False)
    expect(still.figure.locator(".chart-data").first).to_be_hidden()


def test_on_paper_live_charts_are_drawings_in_light_colours_and_go_back(
    new_reader: NewReader, server: Server
) -> None:
    reader = new_reader(server.url, color_scheme="dark")
    reader.wait_for_points(51)
    reader.page.evaluate(
        """() => {
          window.seen = [];
          addEventListener("beforeprint", () => {
            const plots = [...document.querySelectorAll(".plot[data-live]")];
            const printed = document.querySelectorAll(".printed").length;
            const line = document.querySelector(".printed polyline[data-line^=Plain]");
            seen.push([plots.length, printed, line.getAttribute("stroke")]);
          });
        }"""
    )
    pdf = reader.page.pdf()
    assert pdf.startswith(b"%PDF")
    ((live, printed, colour),) = reader.page.evaluate("seen")
    assert live == printed >= 2
    assert colour == "#b34700"
    expect(reader.page.locator(".printed")).to_have_count(0)
    expect(reader.page.locator("html")).not_to_have_attribute("data-theme", re.compile("."))


def test_the_print_style_has_no_controls_and_writes_addresses_out(reader: Reader) -> None:
    reader.wait_for_points(51)
    reader.page.emulate_media(media="print")
    for name in ("Train", "Dark page", "Subtract the mean"):
        expect(reader.page.get_by_role("button", name=name)).to_have_count(0)
    after = """(link) => getComputedStyle(link, "::after").content"""
    prose = reader.page.locator("#references li > a[href*='creativecommons']")
    assert prose.evaluate(after).startswith('" (https://creativecommons.org/')
    for other in ("a.cite", ".references a[href^=http]"):
        assert reader.page.locator(other).first.evaluate(after) == "none"
    assert reader.figure.evaluate("(figure) => getComputedStyle(figure).breakInside") == "avoid"


def test_on_paper_no_chart_or_widget_stands_twice_in_a_browser_without_has(
    new_reader: NewReader, server: Server
) -> None:
    """As Firefox 120: a rule with a selector that it can't read is none."""
    reader = new_reader("about:blank")

    def without_has(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace(":has(", ":has-not("))

    reader.page.route("**/*.css", without_has)
    reader.page.goto(server.url)
    reader.wait_for_points(51)
    reader.page.emulate_media(media="print")
    reader.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    plot = reader.figure.locator(".plot[data-live]").first
    expect(plot.locator(".printed")).to_be_visible()
    expect(plot.locator("canvas")).to_be_hidden()
    expect(reader.page.locator("#widget-batch .bench")).to_be_hidden()
    expect(reader.page.locator("#comments")).to_be_hidden()
    reader.page.evaluate("dispatchEvent(new Event('afterprint'))")
    reader.page.emulate_media(media="screen")
    expect(plot.locator("canvas")).to_be_visible()


def test_on_paper_the_pictures_of_a_dark_page_are_turned_to_light(reader: Reader) -> None:
    picture = reader.page.locator("#widget-batch .still img").first
    look = "(image) => getComputedStyle(image).filter"
    for theme, filtered in (("Dark page", True), ("Light page", False)):
        reader.page.get_by_role("button", name=theme).click()
        reader.page.emulate_media(media="print")
        assert ("invert" in picture.evaluate(look)) == filtered
        reader.page.emulate_media(media="screen")
