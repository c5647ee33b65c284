"""Keeps pictures of every section and of a figure's states in artefacts/. Nothing is compared:
people look.
"""

import pytest
from playwright.sync_api import Locator

from tests.browser.conftest import DESKTOP, NewReader
from tests.browser.pictures import FOLDER, keep_picture
from tests.browser.reader import Reader
from tests.browser.staged import ENDS, FAILS
from tests.support.processes import Server

pytestmark = [pytest.mark.browser, pytest.mark.long]

VARIANTS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]


@pytest.mark.parametrize(("width", "theme"), VARIANTS)
def test_every_section_is_pictured(
    width: int, theme: str, new_reader: NewReader, server: Server
) -> None:
    page = new_reader(server.url, width=width, color_scheme=theme).page
    sections = page.locator("body > header, main > section").all()
    assert len(sections) > 10
    for section in sections:
        show_whole(section, width)
        name = f"sections/{section.get_attribute('id') or 'head'}-{width}-{theme}"
        keep_picture(section, name)
        assert (FOLDER / f"{name}.jpeg").stat().st_size > 1_000


def test_a_figure_is_pictured_before_during_after_and_failed(
    new_reader: NewReader, staged: str
) -> None:
    reader = new_reader(staged)
    reader.wait_for_points(51)
    keep(reader, "before")
    reader.train()
    reader.expect_state("running")
    reader.wait_for_points(6)
    keep(reader, "during")
    reader.button("Stop").click()
    reader.expect_state("stopped")
    for name, seed, state in (("after", ENDS, "finished"), ("failed", FAILS, "failed")):
        reader.train(seed=seed)
        reader.expect_state(state)
        keep(reader, name)


# What a change of theme asks for is drawn in the first, and seen in the second.
TWO_FRAMES = """() => new Promise((go) =>
  requestAnimationFrame(() => requestAnimationFrame(go)))"""


def show_whole(section: Locator, width: int) -> None:
    """Makes the window as tall as the section, and waits until its charts are drawn there."""
    page = section.page
    height = section.evaluate("section => Math.ceil(section.getBoundingClientRect().height)")
    page.set_viewport_size({"width": width, "height": height})
    section.evaluate("section => section.scrollIntoView()")
    page.wait_for_function(
        """(section) => [...section.querySelectorAll(".plot:has(> canvas)")]
          .every((plot) => !plot.checkVisibility() || "live" in plot.dataset)""",
        arg=section.element_handle(),
    )


def keep(reader: Reader, name: str) -> None:
    for width, theme in VARIANTS:
        reader.page.set_viewport_size({"width": width, "height": DESKTOP["height"]})
        reader.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        # Drawn in that theme, whatever the run's state.
        reader.page.evaluate(TWO_FRAMES)
        keep_picture(reader.figure, f"figure/{name}-{width}-{theme}")
