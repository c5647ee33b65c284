"""A browser for the package, and pages that tolerate no error."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import NoBrowser, chromium
from tests.browser.reader import Reader
from tests.processes import Server

DESKTOP = {"width": 1280, "height": 900}

# Playwright's own five seconds are too few for an animation on a busy machine; a hang meets this.
expect.set_options(timeout=60_000)

NewReader: TypeAlias = Callable[..., Reader]

REPORT_VIOLATIONS = """
  addEventListener("securitypolicyviolation", (event) =>
    console.error(`content policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The one browser of all tests here; each reader has a profile of its own in it."""
    try:
        with chromium() as browser:
            yield browser
    except NoBrowser as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture
def new_reader(browser: Browser) -> Iterator[NewReader]:
    """Opens a page for a new reader: `new_reader(url, width=390)`. Its errors fail the test."""
    errors: list[str] = []
    with ExitStack() as readers:

        def open_page(url: str, *, width: int = 1280, **options: object) -> Reader:
            context = browser.new_context(
                viewport={"width": width, "height": DESKTOP["height"]},
                **options,  # type: ignore[arg-type]
            )
            readers.callback(context.close)
            page = context.new_page()
            page.add_init_script(REPORT_VIOLATIONS)
            _collect_errors(page, errors)
            page.goto(url)
            return Reader(page, errors)

        yield open_page
    assert not errors, errors


@pytest.fixture(scope="package")
def plain_page(browser: Browser, server: Server) -> Iterator[Page]:
    """One page for all tests of plain functions, which ask nothing of it but its modules."""
    page = browser.new_page()
    page.goto(server.url)
    yield page
    page.close()


@pytest.fixture
def reader(new_reader: NewReader, server: Server) -> Reader:
    """A reader who has just opened the article."""
    return new_reader(server.url)


def _collect_errors(page: Page, errors: list[str]) -> None:
    page.on("pageerror", lambda error: errors.append(f"exception: {error}"))
    page.on(
        "console",
        lambda message: (
            errors.append(f"console: {message.text}")
            if message.type in ("error", "warning")
            else None
        ),
    )
