"""The article as plain files, from a plain file server below a path, with no server of ours."""

import functools
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from app.experiments import EXPERIMENTS
from app.reproducibility import recorded_sweeps, recordings
from app.reproducibility.recordings import Recording
from tests.browser.axe import keep_only, violations_in_both_themes
from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.conftest import Site

pytestmark = pytest.mark.browser

# Every state that the figure was in, in order.
WATCH_STATES = """(figure) => {
  figure.states = [figure.dataset.state];
  new MutationObserver(() => figure.states.push(figure.dataset.state))
    .observe(figure, {attributeFilter: ["data-state"]});
}"""
LINKS = """() => [...new Set([...document.querySelectorAll("[href], [src]")]
  .map((element) => element.href || element.src)
  .filter((url) => url.startsWith(location.origin)))]"""


@dataclass
class FileServer:
    """A folder's files at `url`, below a path; `missed` is what it was asked for in vain."""

    url: str
    missed: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def files(site: Site) -> Iterator[FileServer]:
    missed: list[str] = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def send_error(self, code: int, *_: object) -> None:
            missed.append(self.path)
            super().send_error(code)

    handler = functools.partial(Handler, directory=str(site.folder.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield FileServer(f"http://127.0.0.1:{server.server_port}/{site.folder.name}/", missed)
        server.shutdown()
        thread.join()
    assert missed == []


@pytest.fixture(scope="module")
def page(browser: Browser, files: FileServer) -> Iterator[Page]:
    """The site, for tests that change nothing on it."""
    page = browser.new_page()
    page.goto(files.url)
    yield page
    page.close()


@pytest.fixture
def asked() -> list[str]:
    """Every address that the reader's page asked for."""
    return []


@pytest.fixture
def reader(new_reader: NewReader, files: FileServer, asked: list[str]) -> Iterator[Reader]:
    """A reader of the site, who wants no motion."""
    reader = new_reader("about:blank", reduced_motion="reduce")
    reader.page.on("request", lambda request: asked.append(request.url))
    reader.page.goto(files.url)
    yield reader
    assert [url for url in asked if not url.startswith((files.url, "data:"))] == []


def recording_of(slug: str) -> Recording:
    recording = recordings.load(slug)
    assert recording is not None
    return recording


def expect_whole(reader: Reader) -> None:
    """The charts have every recorded point of every arm."""
    experiment = EXPERIMENTS[reader.slug]
    profiles = {profile.metric.id for profile in experiment.profiles}
    measured = recording_of(reader.slug).measurements([arm.id for arm in experiment.arms])
    rows = list(measured.rows())
    for metric, lines in reader.curves().items():
        for arm in experiment.arms:
            expected = [[row[2], row[4]] for row in rows if (row[0], row[3]) == (arm.id, metric)]
            assert metric in profiles or lines[arm.label] == expected


def test_every_figure_replays_its_recorded_run(reader: Reader, asked: list[str]) -> None:
    for slug in EXPERIMENTS:
        reader.slug = slug
        reader.look()
        reader.expect_state("recorded")
        button = reader.figure.get_by_role("button", name="Replay")
        expect(button).to_have_count(1)
        reader.figure.evaluate(WATCH_STATES)
        button.click()
        reader.expect_state("finished")
        states = reader.figure.evaluate("figure => figure.states")
        assert states[0] == "recorded"
        assert states[-1] == "finished"
        expect(reader.figure.locator(".verdict")).to_have_text(
            recording_of(slug).receipt["verdict"]
        )
        reader.button("Replay again").wait_for()
        reader.wait_for_points(2)
        expect_whole(reader)
    assert not [url for url in asked if "htmx" in url]


def test_a_replay_takes_its_time_and_may_be_stopped_and_played_again(
    new_reader: NewReader, files: FileServer
) -> None:
    reader = new_reader(files.url)
    reader.wait_for_points(51)
    reader.figure.evaluate(WATCH_STATES)
    reader.button("Replay").focus()
    reader.page.keyboard.press("Enter")
    expect(reader.figure.locator("[data-status]")).to_contain_text("Replaying: step")
    reader.page.keyboard.press("Enter")
    reader.expect_state("stopped")
    stopped = reader.curves()["test_loss"]
    whole = {
        arm.label: points
        for arm in EXPERIMENTS["learning-rates"].arms
        for points in recording_of("learning-rates").points
        if points.arm == arm.id
    }
    for label, line in stopped.items():
        expected = zip(whole[label].step, whole[label].values["test_loss"], strict=True)
        assert line == [list(point) for point in expected][: len(line)]
    assert 0 < sum(map(len, stopped.values())) < 4 * 51
    reader.button("Replay again").wait_for()
    expect(reader.button("Replay again")).to_be_focused()
    reader.page.keyboard.press("Enter")
    reader.expect_state("finished")
    expect_whole(reader)
    states = reader.figure.evaluate("figure => figure.states")
    assert states == ["recorded", "running", "stopped", "running", "finished"]
    expect(reader.figure.locator("[data-speech]")).to_contain_text("Replay finished. At learning")


def test_every_widget_works(reader: Reader) -> None:
    batch = reader.page.locator("[data-widget=batch]")
    batch.get_by_role("button", name="Subtract the mean").click()
    expect(batch.locator("[data-moments='0'] .mu").last).to_have_text("0.000")
    layer = reader.page.locator("[data-widget=train-or-test]")
    before = layer.locator("[data-result]").text_content()
    layer.get_by_role("button", name="Swap").click()
    expect(layer.locator("[data-result]")).not_to_have_text(str(before))
    bowl = reader.page.locator("[data-widget=bowl]")
    before = bowl.locator("[data-show=condition]").text_content()
    bowl.get_by_role("button", name="Normalise the inputs").click()
    expect(bowl.locator("[data-show=condition]")).not_to_have_text(str(before))


def test_a_cell_of_a_map_is_read_and_says_what_would_train_it(reader: Reader) -> None:
    reader.slug = "survival"
    recorded = recorded_sweeps.load("survival")
    assert recorded is not None
    row = reader.figure.locator("[data-map]").last.locator("tbody tr").nth(3)
    row.locator("button").nth(2).click()
    reading = reader.figure.locator(".sweep [data-reading]")
    accuracy = recorded.ends[0.1, 4, "bn"].summary["test_accuracy"]
    expect(reading).to_contain_text("Learning rate 0.1, seed 4: Plain")
    expect(reading).to_contain_text(f"BatchNorm {accuracy:.1%}")
    expect(reading.locator("code")).to_have_text(
        "python -m app train survival --seed 4 --set learning_rate=0.1"
    )
    expect(reader.figure.locator("td[data-chosen]")).to_have_count(2)
    reader.expect_state("recorded")


def test_histograms_are_scrubbed_and_anchors_lead_to_figures(
    reader: Reader, files: FileServer
) -> None:
    reader.page.goto(f"{files.url}#figure-covariate-shift")
    reader.slug = "covariate-shift"
    expect(reader.figure).to_be_in_viewport()
    scrubber = reader.figure.get_by_role("slider", name="training step")
    scrubber.scroll_into_view_if_needed()
    expect(reader.figure.locator("[data-at]").first).to_have_text("step 100")
    scrubber.focus()
    reader.page.keyboard.press("Home")
    expect(reader.figure.locator("[data-at]").first).to_have_text("step 0")


def test_every_link_of_the_site_leads_to_a_file(page: Page) -> None:
    links: list[str] = page.evaluate(LINKS)
    assert len(links) > 100
    with httpx.Client(verify=False) as visitor:
        pages = {link.partition("#")[0] for link in links}
        assert {visitor.get(page).status_code for page in pages} == {200}
    assert all(
        page.locator(f"[id='{link.partition('#')[2]}']").count() == 1
        for link in links
        if "#" in link
    )


def test_axe_finds_nothing_in_the_plain_files(new_reader: NewReader, files: FileServer) -> None:
    reader = new_reader(files.url, reduced_motion="reduce")
    reader.page.evaluate("scrollTo(0, 0)")
    keep_only(reader.page, "#figure-learning-rates")
    reader.wait_for_points(51)
    reader.button("Replay").click()
    reader.expect_state("finished")
    reader.figure.locator(".receipt summary").click()
    assert violations_in_both_themes(reader.page) == []
    reader.page.set_viewport_size({"width": 390, "height": 844})
    assert violations_in_both_themes(reader.page) == []
