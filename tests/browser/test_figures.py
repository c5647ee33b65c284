"""All figures: each trains from its button; what each of them draws besides plain lines."""

import pytest

from app.experiments import EXPERIMENTS
from app.experiments.catalogue.smoothness import SMOOTHNESS
from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.support.processes import Server

pytestmark = pytest.mark.browser

LEVELS = """(figure) => Chart.getChart(figure.querySelector("[data-chart=beta] canvas"))
  .data.datasets.filter(({level}) => level).map(({level, data}) => [level, data[0].y])"""
STATES = """() => Object.fromEntries([...document.querySelectorAll("[data-figure]")]
  .map(({dataset}) => [dataset.figure, dataset.state]))"""
MARKS = """(canvas) => {
  const meta = Chart.getChart(canvas).getDatasetMeta(0);
  return meta.data.filter(({options}) => options.radius > 0).map(({options}) => options.pointStyle);
}"""


def reader_of(slug: str, new_reader: NewReader, server: Server) -> Reader:
    reader = new_reader(server.url)
    reader.slug = slug
    return reader


def test_every_figure_trains_from_its_button_to_its_end_and_changes_no_other(
    reader: Reader,
) -> None:
    trained: list[str] = []
    # learning-rates trains in test_figure.py, loss-surface in test_surface.py: its map takes long.
    for slug in sorted(set(EXPERIMENTS) - {"learning-rates", "loss-surface"}):
        reader.slug = slug
        reader.train(steps=10, seed=1)  # of which no training diverges so early
        reader.expect_state("finished")
        trained.append(slug)
        profiles = {profile.metric.id for profile in EXPERIMENTS[slug].profiles}
        for metric, lines in reader.curves().items():
            assert lines, slug
            for line in lines.values():
                places = [place for place, _ in line]
                assert places == sorted(set(places)), slug
                assert places[-1] == 10 or metric in profiles, slug  # the last step
        states = reader.page.evaluate(STATES)
        assert states == {s: "finished" if s in trained else "recorded" for s in EXPERIMENTS}


def test_a_band_has_two_edges_the_upper_above_the_lower(
    new_reader: NewReader, server: Server
) -> None:
    reader = reader_of("smoothness", new_reader, server)
    reader.wait_for_points(26)
    band = reader.curves()["loss_min"]
    assert set(band) == {
        *("Plain", "Plain, upper edge", "BatchNorm", "BatchNorm, upper edge"),
    }
    for arm in ("Plain", "BatchNorm"):
        edges = zip(band[arm], band[f"{arm}, upper edge"], strict=True)
        assert all(low <= high for (_, low), (_, high) in edges)


def test_a_metric_is_drawn_where_it_was_measured_and_nowhere_else(
    new_reader: NewReader, server: Server
) -> None:
    reader = reader_of("smoothness", new_reader, server)
    reader.look(details=True)
    reader.wait_for_points(26)
    reader.page.wait_for_function(
        "() => document.querySelectorAll('[data-figure=smoothness] .plot[data-live]').length === 9"
    )
    curves = reader.curves()
    for metric, steps in {
        "beta": list(range(0, 101, 4)),
        "loss_change": list(range(1, 101)),
        "test_accuracy": list(range(0, 101, 20)),
    }.items():
        assert [step for step, _ in curves[metric]["Plain"]] == steps


def test_a_level_follows_the_learning_rate(new_reader: NewReader, server: Server) -> None:
    reader = reader_of("smoothness", new_reader, server)
    reader.wait_for_points(26)
    level, _ = SMOOTHNESS.parse({}).levels()
    ((label, value),) = reader.figure.evaluate(LEVELS)
    assert label == level.label
    assert value == pytest.approx(level.value)
    reader.train(steps=10, learning_rate=0.1)
    reader.expect_state("finished")
    reader.curves()
    ((_, value),) = reader.figure.evaluate(LEVELS)
    assert value == pytest.approx(2 / 0.1)


def test_a_line_that_leaves_the_axis_or_breaks_off_is_marked_there(reader: Reader) -> None:
    reader.wait_for_points(51)
    canvas = reader.figure.locator("[data-chart=test_loss] canvas")
    marks = canvas.evaluate(
        f"""async (canvas) => {{
          const load = (name) => import(new URL(name, document.querySelector("[type=module]").src));
          const {{ View }} = await load("charts/chart.js");
          const {{ Look }} = await load("figure/selection.js");
          Chart.getChart(canvas).destroy();
          const keys = new Map([["cnn@0.1", {{
            label: "a", line: document.querySelector(".legend path"),
          }}]]);
          const plot = new View(canvas.closest("[data-chart]"), keys, new Look());
          plot.reset({{ steps: 10, levels: [], pins: [] }});
          const arm = "cnn@0.1";
          const tell = (event, data) => plot.append({{ event, data: {{ arm, seed: 1, ...data }} }});
          const test_loss = [2, 1e6, 1e7, 1, null, 1];
          tell("points", {{ step: [0, 1, 2, 3, 4, 5], values: {{ test_loss }} }});
          tell("points", {{ step: [5], values: {{ other: [9] }} }});
          tell("arm", {{ state: "diverged", summary: {{}} }});
          await new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
          return ({MARKS})(canvas);
        }}"""
    )
    assert marks == ["triangle", "crossRot", "crossRot"]


def test_nothing_is_loaded_for_a_figure_until_it_is_near(
    new_reader: NewReader, server: Server
) -> None:
    reader = new_reader("about:blank")
    requests: list[str] = []
    reader.page.on("request", lambda request: requests.append(request.url))
    reader.page.goto(server.url)
    reader.page.wait_for_load_state("networkidle")
    assert not [url for url in requests if "recordings" in url]
    reader.slug = "smoothness"
    reader.wait_for_points(26)
    assert [url for url in requests if url.endswith("recordings/smoothness.json")]
    assert not [url for url in requests if url.endswith("recordings/learning-rates.json")]
