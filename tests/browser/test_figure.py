"""The figure's life in a browser: recorded, trained, stopped, resumed, shared, failed."""

import csv
import io
import re

import httpx
import pytest
import torch
from playwright.sync_api import expect

from app.experiments.catalogue.learning_rates import LEARNING_RATES
from tests.browser.conftest import NewReader
from tests.browser.reader import Line, Reader
from tests.conftest import Serve
from tests.support.processes import Server, send_signal

pytestmark = pytest.mark.browser

# Into `drawn`: of each frame while the figure's run is going, how many points its first chart has.
WATCH = """(figure) => {
  const chart = Chart.getChart(figure.querySelector("canvas"));
  window.drawn = [];
  const look = () => {
    const counts = chart.data.datasets.map(({data}) => data.length);
    if (figure.dataset.state === "running") drawn.push(counts.reduce((sum, count) => sum + count));
    requestAnimationFrame(look);
  };
  look();
}"""


def test_a_recorded_run_is_drawn_before_anyone_clicks(reader: Reader) -> None:
    reader.expect_state("recorded")
    reader.wait_for_points(51)
    reader.look(details=True)
    reader.page.wait_for_function("() => document.querySelectorAll('.plot[data-live]').length >= 3")
    curves = reader.curves()
    assert set(curves) == {"test_loss", "test_accuracy", "dead_units"}
    for lines in curves.values():
        assert {len(line) for line in lines.values()} == {51}
    expect(reader.figure.locator("[data-status]")).to_contain_text("recorded run")
    expect(reader.button("Train")).to_have_count(1)


def test_train_draws_curves_while_the_run_is_going_and_finishes(reader: Reader) -> None:
    reader.wait_for_points(51)
    reader.figure.evaluate(WATCH)
    reader.train(seed=1, steps=60)  # of which no training diverges
    reader.expect_state("finished")
    after = reader.curves()
    for lines in after.values():
        for line in lines.values():
            assert [step for step, _ in line] == list(range(0, 61, 2))
    drawn = reader.page.evaluate("drawn")
    assert drawn == sorted(drawn)
    assert {count for count in drawn if 0 < count < 4 * 31}
    expect(reader.figure.locator(".verdict")).to_contain_text("At learning rate 0.5")
    reader.button("Train again").wait_for()


def test_the_drawn_points_are_those_of_the_csv(reader: Reader) -> None:
    reader.train(steps=10)
    reader.expect_state("finished")
    path = reader.figure.get_by_role("link", name="CSV").get_attribute("href")
    rows = list(csv.DictReader(io.StringIO(reader.fetch(str(path))["text"])))
    labels = {"cnn@0.1": "Plain, rate 0.1", "bn@0.5": "BatchNorm, rate 0.5"}
    curves = reader.curves()
    for arm, label in labels.items():
        measured = [
            [int(row["step"]), float(row["value"])]
            for row in rows
            if row["arm"] == arm and row["metric"] == "test_loss"
        ]
        assert curves["test_loss"][label] == measured


def test_several_seeds_are_drawn_as_bands_whose_quantiles_are_those_of_the_csv(
    reader: Reader,
) -> None:
    reader.train(steps=10, seeds=3)
    reader.expect_state("finished")
    legend = reader.figure.locator("[data-lines]")
    expect(legend).to_have_text("Line: median. Band: 10th to 90th percentile. n = 3 seeds.")
    arms = [str(arm.id) for arm in LEARNING_RATES.arms]
    measured = [lines_of(reader, arm, "test_loss") for arm in arms]
    expected = [
        band for lines in measured for band in (quantiles(lines, 0.1), quantiles(lines, 0.9))
    ]
    for drawn, line in zip(reader.bands("test_loss"), expected, strict=True):
        assert drawn == [[step, pytest.approx(value)] for step, value in line]
    medians = reader.curves()["test_loss"].values()
    for drawn, lines in zip(medians, measured, strict=True):
        assert drawn == [[step, pytest.approx(value)] for step, value in quantiles(lines, 0.5)]

    reader.figure.get_by_label("single seeds").check()
    expect(legend).to_have_text("Line: median. Thin lines: single seeds. n = 3 seeds.")
    singles = [line for lines in measured for line in lines]
    assert sorted(reader.bands("test_loss")) == sorted(singles)


def lines_of(reader: Reader, arm: str, metric: str) -> list[Line]:
    """From the run's CSV: each seed's steps and values, one after the other."""
    text = reader.fetch(f"/runs/{reader.run_id()}/metrics.csv")["text"]
    lines: dict[str, Line] = {}
    for row in csv.DictReader(io.StringIO(text)):
        if (row["arm"], row["metric"]) == (arm, metric):
            lines.setdefault(row["seed"], []).append([int(row["step"]), float(row["value"])])
    return list(lines.values())


def quantiles(lines: list[Line], q: float) -> Line:
    """Step by step over the lines, as NumPy has them by default."""
    values = torch.tensor([[value for _, value in line] for line in lines], dtype=torch.float64)
    of_steps = torch.quantile(values, q, dim=0).tolist()
    return [[step, value] for (step, _), value in zip(lines[0], of_steps, strict=True)]


def test_stop_ends_the_run_and_keeps_what_was_drawn(reader: Reader) -> None:
    reader.train(steps=400)
    reader.wait_for_points(2)
    reader.button("Stop").click()
    reader.expect_state("stopped")
    lines = reader.curves()["test_loss"].values()
    assert any(len(line) >= 2 for line in lines)
    reader.button("Train again").wait_for()


def test_a_permalink_shows_the_same_curves_to_somebody_else(
    reader: Reader, new_reader: NewReader, server: Server
) -> None:
    reader.train(steps=20)
    reader.expect_state("finished")
    link = reader.figure.get_by_role("link", name="Permalink").get_attribute("href")
    other = new_reader(f"{server.url}/{link}")
    other.expect_state("finished")
    other.wait_for_points(11)
    assert other.curves() == reader.curves()
    assert other.figure.locator(".verdict").text_content() == (
        reader.figure.locator(".verdict").text_content()
    )


def test_the_same_seed_gives_the_same_curves(reader: Reader) -> None:
    reader.train(steps=10)
    reader.expect_state("finished")
    first, run = reader.curves(), reader.run_id()
    reader.button("Train with the same seed").click()
    expect(reader.figure.locator(f"[data-run='{run}']")).to_have_count(0)
    reader.expect_state("finished")
    assert reader.curves() == first


def test_a_bound_that_is_broken_is_named_beside_the_button(reader: Reader) -> None:
    reader.train(steps=400, seeds=10)
    error = reader.figure.locator("[data-error]")
    expect(error).to_contain_text(re.compile(r"seeds: should be at most 5 with these settings"))
    expect(reader.figure.locator("[name=seeds]")).to_have_attribute("aria-invalid", "true")
    assert reader.figure.get_attribute("data-state") == "recorded"
    # The browser itself reports the refusal on its console.
    assert [e for e in reader.errors if "422" not in e] == []
    reader.errors.clear()


@pytest.mark.long
def test_a_lost_worker_is_said_at_once_and_the_next_run_succeeds(
    serve: Serve, new_reader: NewReader
) -> None:
    own = serve()
    own.wait_until_ready()
    reader = new_reader(own.url)
    reader.train(steps=400)
    reader.wait_for_points(2)
    send_signal(own.worker_pids())
    reader.expect_state("failed")
    expect(reader.figure.locator(".failure")).to_contain_text("The process that trained was lost")
    reader.train(steps=10)
    reader.expect_state("finished")


def test_a_run_that_the_server_forgot_gives_way_to_the_recording(reader: Reader) -> None:
    reader.page.evaluate("() => sessionStorage.setItem('run of learning-rates', 'gone')")
    reader.page.reload()
    reader.wait_for_points(51)
    reader.expect_state("recorded")
    assert [e for e in reader.errors if "404" not in e] == []
    reader.errors.clear()


@pytest.mark.long
def test_a_full_server_says_when_to_come_back(serve: Serve, new_reader: NewReader) -> None:
    own = serve(queue_seconds=0, workers=1)
    own.wait_until_ready()
    httpx.post(f"{own.url}/experiments/learning-rates/runs", json={"steps": 400})
    reader = new_reader(own.url)
    reader.train()
    error = reader.figure.locator("[data-error]")
    expect(error).to_contain_text(re.compile(r"Too many readers.*Try again in \d+ s"))
    reader.expect_state("recorded")
    assert [e for e in reader.errors if "503" not in e] == []
    reader.errors.clear()


def test_a_run_that_two_readers_share_is_stopped_for_one_of_them(
    reader: Reader, server: Server, new_reader: NewReader
) -> None:
    other = new_reader(server.url)
    for each in (reader, other):
        each.train(seed=77, steps=400)
        each.expect_state("queued", "running")
    expect(other.figure.locator(".shared")).to_contain_text("Others have asked for the same")
    reader.button("Stop").click()
    reader.expect_state("stopped")
    expect(reader.figure.locator(".verdict")).to_contain_text("goes on for them")
    reader.button("Train again").wait_for()
    other.wait_for_points(2)
    other.expect_state("running")
    other.button("Stop").click()
    other.expect_state("stopped")


def test_the_link_of_a_run_that_expired_fills_its_settings_in(
    new_reader: NewReader, server: Server
) -> None:
    query = "figure=survival&seed=7&seeds=1&steps=10&learning_rate=0.2"
    page = new_reader(f"{server.url}/runs/expired?{query}")
    page.slug = "survival"
    expect(page.figure.locator(".verdict")).to_contain_text("has expired")
    expect(page.figure.locator(".verdict")).to_be_in_viewport()
    expect(page.figure.locator("[name=learning_rate]")).to_have_value("0.2")
    page.button("Train").first.click()
    page.expect_state("finished")
    expect(page.figure.locator("[data-status]")).to_contain_text("Seed 7,")
