"""Scripts off: all prose, all equations, every figure as a drawing, and no dead button."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app.experiments import EXPERIMENTS
from tests.browser.conftest import NewReader
from tests.processes import Server

pytestmark = pytest.mark.browser

WIDGETS = {"widget-batch": 3, "widget-train-or-test": 2, "widget-bowl": 2, "drawing-lipschitz": 2}
# Works by itself: links, <details>, what scrolls.
CONTROLS = (
    "button, input, select, textarea, [role=button], [role=slider], [tabindex='0']:not(.scroll)"
)


def offered(page: Page) -> list[str]:
    """The controls that a reader sees, those in disclosures included."""
    found: list[str] = page.evaluate(
        """(controls) => {
          for (const details of document.querySelectorAll("details")) details.open = true;
          return [...document.querySelectorAll(controls)]
            .filter((one) => one.checkVisibility({visibilityProperty: true}))
            .map((one) => one.outerHTML.slice(0, 90));
        }""",
        CONTROLS,
    )
    return found


@pytest.fixture(scope="module")
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(server.url)
        yield page


def test_every_figure_is_a_drawing_with_a_name_that_says_something(page: Page) -> None:
    for slug in EXPERIMENTS:
        figure = page.locator(f"#figure-{slug}")
        drawings = figure.locator("svg[role=img]")
        assert drawings.count() >= 1, slug
        for drawing in drawings.all():
            if drawing.locator("xpath=ancestor::details").count() == 0:
                expect(drawing).to_be_visible()
            name = str(drawing.get_attribute("aria-label"))
            assert len(name) > 30, (slug, name)
            assert drawing.locator("path, rect").count() >= 2, (slug, name)
        expect(figure.locator(".verdict")).to_be_visible()
    surface = page.locator("#figure-loss-surface .surface .cells path")
    assert surface.count() > 10
    assert page.locator("#figure-covariate-shift .histogram [data-bars]").count() == 4
    assert page.locator("#figure-survival [data-map] td").count() > 100


def test_every_widget_is_a_drawing_that_stands_still(page: Page) -> None:
    for name, count in WIDGETS.items():
        drawings = page.locator(f"#{name} svg[role=img]:visible")
        expect(drawings).to_have_count(count)
        for drawing in drawings.all():
            assert len(str(drawing.get_attribute("aria-label"))) > 20, name
    training, testing = (
        {str(text).split(mode)[0].split()[-2] for text in captions}
        for captions in [page.locator(".passages p").all_text_contents()]
        for mode in (" training", " testing")
    )
    assert len(training) == 2  # other mates, another output
    assert len(testing) == 1


def test_all_prose_and_all_formulas_are_there(page: Page) -> None:
    for section in page.locator("main > section").all():
        expect(section.locator("h2, p").first).to_be_visible()
    formulas = page.locator("main .equations math")
    assert formulas.count() > 15
    for formula in formulas.all():
        expect(formula).to_be_visible()


def test_no_control_is_offered_that_would_do_nothing(page: Page) -> None:
    assert offered(page) == []
    expect(page.locator(".unscripted")).to_be_hidden()


def test_comments_are_read_and_written_without_scripts(
    new_reader: NewReader, server: Server
) -> None:
    page = new_reader(server.url, java_script_enabled=False).page
    page.get_by_role("link", name="Read the comments").click()
    expect(page.get_by_role("button", name="Post the comment")).to_be_enabled()
    expect(page.get_by_label("Comment", exact=True)).to_be_editable()
