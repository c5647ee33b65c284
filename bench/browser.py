"""What Chromium sees: from a point to its drawing, and what opening the page takes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page

from bench.clicks import warm_server
from bench.figures import quantile
from bench.rows import Row
from bench.sides.feed import EVENTS_A_SECOND
from bench.streams import OURS
from tests.browser.chromium import chromium
from tests.browser.conftest import DESKTOP
from tests.support.processes import serving

ARMS, SECONDS = 4, 15
FIGURE = '[data-figure="learning-rates"]'

WATCH = Path(__file__).with_name("watch.js")
LOADED = """() => {
  const entries = (type) => performance.getEntriesByType(type);
  const all = [...entries("navigation"), ...entries("resource")];
  const bytes = all.reduce((sum, { transferSize }) => sum + transferSize, 0);
  return { ...seen, bytes, requests: all.length };
}"""
FRAME_MS = 1000 / 60
# What is still on its way once all is loaded: fonts that swap, figures that were waited for.
SETTLE_MS = 2_000


def rows(pairs: int) -> Iterator[Row]:
    """Step to browser, then the page; no cache, loopback, a window of 1280 × 900."""
    with chromium() as browser:
        yield from _drawing(browser, pairs)
        yield from _page(browser, pairs)


@dataclass(frozen=True)
class Drawn:
    """What followed one click: waits of points and longest task (ms), frames dropped (%)."""

    waits: list[float]
    longest_task: float
    dropped: float


def _drawing(browser: Browser, times: int) -> Iterator[Row]:
    drawn = [_draw(browser) for _ in range(times)]
    points = min(len(turn.waits) for turn in drawn)
    against = f"{ARMS} arms, {EVENTS_A_SECOND} points a second each; {points} of a click"
    p50, p99 = ([quantile(turn.waits, share) for turn in drawn] for share in (0.5, 0.99))
    yield Row("step to browser, p50 (ms)", p50, against)
    yield Row("step to browser, p99 (ms)", p99, against, 60)
    tasks = [turn.longest_task for turn in drawn]
    yield Row("longest task (ms); 0: none over 50", tasks, "from the click on", 50)
    yield Row("frames dropped (%)", [turn.dropped for turn in drawn], "of 60 a second")


def _draw(browser: Browser) -> Drawn:
    """Four arms stream ten points a second each, from an engine that keeps time (`OURS`)."""
    with TemporaryDirectory() as folder:
        settings = {"store": Path(folder) / "store.db", "workers": ARMS}
        with serving(Path(folder) / "log", settings, OURS.module) as server:
            context = browser.new_context(viewport=DESKTOP)  # type: ignore[arg-type]
            page = context.new_page()
            page.add_init_script(path=WATCH)
            page.goto(server.url)
            figure = page.locator(FIGURE)
            figure.scroll_into_view_if_needed()
            page.wait_for_selector(f"{FIGURE} [data-live]")
            page.wait_for_timeout(SETTLE_MS)
            began = page.evaluate("performance.now()")
            figure.get_by_role("button", name="Train", exact=True).click()
            page.wait_for_timeout(1000 * SECONDS)
            seen, clocks = page.evaluate("seen"), time.time() - time.monotonic()
            context.close()
    gaps = [gap for at, gap in seen["gaps"] if at > began]
    dropped = sum(max(0, round(gap / FRAME_MS) - 1) for gap in gaps)
    return Drawn(
        waits=[1000 * (drawn - clocks - due) for due, drawn in seen["points"]],
        longest_task=max([0.0, *(took for at, took in seen["tasks"] if at > began)]),
        dropped=100 * dropped / (dropped + len(gaps)),
    )


def _page(browser: Browser, times: int) -> Iterator[Row]:
    with warm_server() as server:
        opened, read = [], []
        for _ in range(times):
            context = browser.new_context(viewport=DESKTOP)  # type: ignore[arg-type]
            page = context.new_page()
            page.add_init_script(path=WATCH)
            page.goto(server.url, wait_until="networkidle")
            page.wait_for_timeout(SETTLE_MS)
            opened.append(page.evaluate(LOADED))
            _read_on(page)
            read.append(page.evaluate(LOADED))
            context.close()
    yield Row("page opened (KB)", [seen["bytes"] / 1000 for seen in opened], "over the wire", 250)
    yield Row("page opened, requests", [seen["requests"] for seen in opened], "")
    yield Row("page read to its end (KB)", [seen["bytes"] / 1000 for seen in read], "")
    yield Row("largest paint (s)", [seen["paint"] / 1000 for seen in opened], "", 0.8)
    yield Row("layout shift", [seen["shift"] for seen in read], "read to the end", 0)


def _read_on(page: Page) -> None:
    """To the end, a screen at a time."""
    while page.evaluate("scrollY + innerHeight < document.documentElement.scrollHeight - 1"):
        page.evaluate("scrollBy(0, innerHeight)")
        page.wait_for_timeout(200)
    page.wait_for_timeout(SETTLE_MS)
