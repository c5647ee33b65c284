"""Scripts off: all prose, all equations, every figure as a drawing, and no dead button."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app.experiments import EXPERIMENTS
from tests.browser.conftest import NewReader
from tests.support.processes import Server

pytestmark = pytest.mark.browser

WIDGETS = {"widget-batch": 3, "widget-train-or-test": 3, "widget-bowl": 2, "drawing-lipschitz": 2}
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


def test_every_figure_is_a_picture_with_a_name_that_says_something(page: Page) -> None:
    for slug in EXPERIMENTS:
        figure = page.locator(f"#figure-{slug}")
        pictures = figure.locator("img")
        assert pictures.count() >= 1, slug
        for picture in pictures.all():
            if picture.locator("xpath=ancestor::details").count() == 0:
                expect(picture).to_be_visible()
                assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)")
            name = str(picture.get_attribute("alt"))
            assert len(name) > 30, (slug, name)
        expect(figure.locator(".verdict")).to_be_visible()
    assert page.locator("#figure-loss-surface .surface img").count() == 2
    assert page.locator("#figure-covariate-shift .histogram img").count() == 4
    assert page.locator("#figure-survival [data-map] td").count() > 100


def test_every_widget_is_a_row_of_pictures_that_stand_still(page: Page) -> None:
    for name, count in WIDGETS.items():
        pictures = page.locator(f"#{name} img:visible")
        expect(pictures).to_have_count(count)
        for picture in pictures.all():
            assert len(str(picture.get_attribute("alt"))) > 20, name
    first, swapped, tested = page.locator("#widget-train-or-test .still p").all_text_contents()
    training = [text.partition("output is ")[2].split()[0] for text in (first, swapped)]
    assert len(set(training)) == 2  # other mates, another output
    assert "running averages decide" in tested


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
