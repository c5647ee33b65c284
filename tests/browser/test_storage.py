"""Whatever a browser keeps or refuses to keep, the article works: it merely remembers nothing."""

import json
import re

import pytest
from playwright.sync_api import Route, expect

from app.experiments import EXPERIMENTS
from tests.browser.conftest import NewReader
from tests.browser.reader import Reader
from tests.browser.staged import ENDS, LINGERS

pytestmark = pytest.mark.browser

EACH = "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, "
REFUSALS = {
    "cookies are blocked": f"{EACH} {{ get() {{ throw new Error(); }} }});",
    "there is no storage": f"{EACH} {{ value: null }});",
    "storage is full": "Storage.prototype.setItem = () => "
    "{ throw new DOMException('', 'QuotaExceededError'); };",
    "nothing can be read": "Storage.prototype.getItem = () => { throw new DOMException(''); };",
}

RUN: dict[str, object] = {
    "id": "a-run",
    "seed": "1",
    "seeds": "1",
    "settings": "",
    "state": "finished",
    "verdict": "",
    "at": 1_700_000_000_000,
    "pinned": False,
}
CORRUPT = [
    *("{", "", "null", "5", '"a text"', "{}", "[null, 1, [], {}]", '[{"id": "a-run"}]'),
    *(
        json.dumps([{**RUN, field: wrong}])
        for field, wrong in [
            *(("id", '"] *'), ("id", "../healthz"), ("id", ["a-run"]), ("seed", "one")),
            *(("at", 1e99), ("at", "now"), ("verdict", {}), ("state", "toString")),
            ("pinned", "yes"),
        ]
    ),
]


def train_to_the_end(reader: Reader) -> None:
    reader.look()
    reader.train(seed=ENDS, steps=10)
    reader.expect_state("finished")
    expect(reader.figure.locator(".verdict")).not_to_be_empty()
    reader.wait_for_points(11)  # the chart's own script may come later than the run's end
    assert {len(line) for line in reader.curves()["test_loss"].values()} == {11}


@pytest.mark.parametrize("script", REFUSALS.values(), ids=REFUSALS)
def test_a_browser_that_keeps_nothing_trains_and_draws(
    script: str, staged: str, new_reader: NewReader
) -> None:
    reader = new_reader("about:blank")
    reader.page.add_init_script(script)
    reader.page.goto(staged)
    switch = reader.page.locator("[data-theme-switch]")
    before = str(switch.text_content())
    switch.click()
    expect(switch).not_to_have_text(before)
    train_to_the_end(reader)
    expect(reader.figure.locator("[data-tray]")).to_contain_text("Your runs (1)")
    # The last script to start has started.
    expect(reader.page.locator("[data-widget=bowl] [data-status]")).not_to_be_empty()


def test_what_is_corrupt_is_dropped_and_the_rest_is_kept(
    staged: str, new_reader: NewReader
) -> None:
    kept = {slug: CORRUPT[index % len(CORRUPT)] for index, slug in enumerate(sorted(EXPERIMENTS))}
    left = [text for text in CORRUPT if text not in kept.values()]
    reader = new_reader(staged)
    for texts in (kept, dict(zip(kept, left, strict=False))):
        reader.page.evaluate(
            """(texts) => {
              localStorage.clear();
              sessionStorage.clear();
              localStorage.setItem("theme", "{");
              for (const [slug, text] of Object.entries(texts)) {
                localStorage.setItem(`runs of ${slug}`, text);
                sessionStorage.setItem(`run of ${slug}`, "../healthz");
              }
            }""",
            texts,
        )
        reader.page.reload()
        for slug in EXPERIMENTS:
            expect(reader.page.locator(f"[data-figure={slug}] [data-tray]")).to_be_hidden()
        train_to_the_end(reader)
        expect(reader.figure.locator("[data-tray]")).to_contain_text("Your runs (1)")
    # From another tab, beside a run that is as it should be.
    for text in CORRUPT:
        runs = json.dumps([RUN, *json.loads(text)]) if text.startswith("[") else text
        shown = reader.page.evaluate(
            """(newValue) => {
              dispatchEvent(new StorageEvent("storage", {key: "runs of learning-rates", newValue}));
              return document.querySelectorAll("#figure-learning-rates [data-runs] li").length;
            }""",
            runs,
        )
        assert shown == (1 if runs != text else 0), text


def test_a_stop_that_can_t_be_allowed_without_cookies_says_so(
    staged: str, new_reader: NewReader
) -> None:
    reader = new_reader(staged)
    reader.look()
    reader.train(seed=LINGERS, steps=10)
    reader.expect_state("running")
    run = reader.run_id()
    cookies = reader.page.context.cookies()
    reader.page.context.clear_cookies()
    reader.button("Stop").click()
    said = reader.figure.locator("[data-error]")
    expect(said).to_contain_text("are cookies blocked?")
    assert "403" in reader.errors.pop()
    reader.expect_state("running")
    reader.page.context.add_cookies(cookies)  # type: ignore[arg-type]
    reader.button("Stop").click()
    reader.expect_state("stopped")
    assert reader.run_id() == run


def test_on_a_plain_http_address_nothing_asks_for_what_only_https_has(
    staged: str, new_reader: NewReader
) -> None:
    """There a page has no clipboard, no crypto.randomUUID, no crypto.subtle, no locks."""
    reader = new_reader("about:blank")
    reader.page.add_init_script(
        """for (const name of ["clipboard", "locks", "serviceWorker", "storage"])
             Object.defineProperty(navigator, name, { value: undefined });
           for (const name of ["randomUUID", "subtle"])
             Object.defineProperty(crypto, name, { value: undefined });
           Object.defineProperty(window, "isSecureContext", { value: false });"""
    )
    reader.page.goto(staged)
    train_to_the_end(reader)
    reader.page.locator("[data-copy-button]").click()
    expect(reader.page.locator("[data-copy-status]")).to_contain_text("Selected")
    assert "@misc" in reader.page.evaluate("String(getSelection())")


def test_two_servers_below_one_origin_keep_their_memories_apart(
    staged: str, new_reader: NewReader
) -> None:
    reader = new_reader("about:blank")

    # As a notebook's proxy, which takes its path off. It is one server here: run ids are alike.
    def pass_on(route: Route) -> None:
        route.continue_(url=re.sub(r"proxy/800[01]/", "", route.request.url))

    reader.page.route(f"{staged}/proxy/**", pass_on)
    kept = "() => Object.keys(localStorage).sort()"
    reader.page.goto(f"{staged}/proxy/8000/")
    reader.page.locator("[data-theme-switch]").click()
    train_to_the_end(reader)
    expect(reader.figure.locator("[data-tray]")).to_contain_text("Your runs (1)")
    keys = reader.page.evaluate(kept)
    assert keys == ["proxy/8000/runs of learning-rates", "proxy/8000/theme"]
    reader.page.goto(f"{staged}/proxy/8001/")
    reader.look()
    expect(reader.figure).to_have_attribute("data-state", "recorded")
    expect(reader.figure.locator("[data-tray]")).to_be_hidden()
    expect(reader.page.locator("html")).not_to_have_attribute("data-theme", re.compile("."))
    assert reader.page.evaluate(kept) == keys
    reader.page.goto(f"{staged}/proxy/8000/")
    expect(reader.page.locator("html")).to_have_attribute("data-theme", "dark")
    reader.look()
    expect(reader.figure).to_have_attribute("data-state", "finished")
    expect(reader.figure.locator("[data-tray]")).to_contain_text("Your runs (1)")
