"""A browser for the package, and pages that tolerate no error."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.chromium import NoBrowser, chromium
from tests.browser.pictures import keep_picture
from tests.browser.profiles import ARGUMENTS, Profiles
from tests.browser.reader import Reader
from tests.browser.staged import StagedEngine
from tests.support.processes import Server
from tests.support.toy_server import running_fake_server

DESKTOP = {"width": 1280, "height": 900}

# Playwright's own five seconds are too few for an animation on a busy machine; a hang meets this.
HANG_MS = 60_000
expect.set_options(timeout=HANG_MS)

# What a page may be told at any time.
MEDIA = {"color_scheme", "forced_colors", "reduced_motion"}

NewReader: TypeAlias = Callable[..., Reader]

FAILED = pytest.StashKey[bool]()

REPORT_VIOLATIONS = """
  addEventListener("securitypolicyviolation", (event) =>
    console.error(`content policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The one browser of all tests here; each reader has a profile of its own in it."""
    try:
        with chromium(*ARGUMENTS) as browser:
            yield browser
    except NoBrowser as error:
        pytest.fail(str(error), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Lets a page's end know whether its test failed."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(scope="package")
def profiles(browser: Browser) -> Profiles:
    return Profiles(browser)


@pytest.fixture
def new_reader(
    browser: Browser, profiles: Profiles, request: pytest.FixtureRequest
) -> Iterator[NewReader]:
    """Opens a page for a new reader: `new_reader(url, width=390)`. Its errors fail the test.

    Options that a profile can't change get a profile of their own. A test that fails leaves a
    picture of each of its pages.
    """
    errors: list[str] = []
    with ExitStack() as readers:

        def keep_if_failed(page: Page) -> None:
            if request.node.stash.get(FAILED, False) and page.viewport_size:
                keep_picture(page, f"failed/{request.node.name}-{page.viewport_size['width']}")

        def open_page(url: str, *, width: int = 1280, **options: object) -> Reader:
            media = {name: options.pop(name) for name in MEDIA & options.keys()}
            if options:
                context = browser.new_context(**options)  # type: ignore[arg-type]
                readers.callback(context.close)
            else:
                context = readers.enter_context(profiles.lend())
            context.set_default_timeout(HANG_MS)
            page = _watched_page(context, errors)
            page.set_viewport_size({"width": width, "height": DESKTOP["height"]})
            page.emulate_media(**media)  # type: ignore[arg-type]
            readers.callback(keep_if_failed, page)
            page.goto(url)
            return Reader(page, errors)

        yield open_page
    assert not errors, errors


@pytest.fixture(scope="package")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server whose runs go as their seeds say: staged.py."""
    with running_fake_server(tmp_path_factory.mktemp("staged"), StagedEngine()) as server:
        yield server.url


@pytest.fixture(scope="package")
def plain_page(browser: Browser, server: Server) -> Iterator[Page]:
    """One page for all tests of plain functions, which ask nothing of it but its modules: a short
    one.
    """
    page = browser.new_page()
    page.goto(f"{server.url}/comments")
    yield page
    page.close()


@pytest.fixture(scope="module")
def still_page(browser: Browser, server: Server) -> Iterator[Page]:
    """One page for a module's tests of a widget, which start it over; of a reader who prefers that
    nothing moves, so that it is at rest at once.
    """
    errors: list[str] = []
    with browser.new_context(viewport=DESKTOP, reduced_motion="reduce") as context:  # type: ignore[arg-type]
        context.set_default_timeout(HANG_MS)
        page = _watched_page(context, errors)
        page.goto(server.url)
        yield page
    assert not errors, errors


@pytest.fixture
def reader(new_reader: NewReader, server: Server) -> Reader:
    """A reader who has just opened the article."""
    return new_reader(server.url)


def _watched_page(context: BrowserContext, errors: list[str]) -> Page:
    """A new page; what it complains of is added to `errors`."""
    page = context.new_page()
    page.add_init_script(REPORT_VIOLATIONS)
    page.on("pageerror", lambda error: errors.append(f"exception: {error}"))
    page.on(
        "console",
        lambda message: (
            errors.append(f"console: {message.text}")
            if message.type in ("error", "warning")
            else None
        ),
    )
    return page
