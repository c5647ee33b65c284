"""One browser of each engine for the package, and a server that watches its pages for WebKit."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.browser.chromium import NoBrowser
from tests.browsers.article import Article
from tests.browsers.browser import Browser
from tests.browsers.chromium import chromium
from tests.browsers.firefox import firefox
from tests.browsers.programs import MissingProgram
from tests.browsers.webkit import webkit
from tests.support.processes import Server, serving

ENGINES: dict[str, Callable[[], AbstractContextManager[Browser]]] = {
    "chromium": chromium,
    "firefox": firefox,
    "webkit": webkit,
}

OpenBrowser: TypeAlias = Callable[[str], Browser]


@pytest.fixture(scope="package")
def watched_server(
    server_defaults: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server as readers have it, whose pages also keep what goes wrong on them."""
    folder = tmp_path_factory.mktemp("watched")
    settings = {**server_defaults, "store": folder / "store.db", "runs_per_reader": 100}
    with serving(folder / "log", settings, module="tests.browsers.watched_server") as running:
        running.wait_until_ready()
        yield running
        log = Path(folder, "log").read_text()
        assert "Traceback" not in log, log


@pytest.fixture(scope="package")
def open_browser() -> Iterator[OpenBrowser]:
    """Gives the one browser of an engine, started when it is first asked for."""
    started: dict[str, Browser] = {}
    with ExitStack() as stack:

        def browser_of(engine: str) -> Browser:
            if engine not in started:
                try:
                    started[engine] = stack.enter_context(ENGINES[engine]())
                except (MissingProgram, NoBrowser) as error:
                    pytest.fail(str(error), pytrace=False)
            return started[engine]

        yield browser_of


@pytest.fixture(scope="module", params=list(ENGINES))
def browser(request: pytest.FixtureRequest, open_browser: OpenBrowser) -> Browser:
    """Each engine's browser in turn."""
    return open_browser(request.param)


@pytest.fixture(scope="module")
def shared_article(browser: Browser, watched_server: Server) -> Article:
    """The article in an engine, opened once for a module's tests."""
    article = Article(browser, watched_server.url)
    article.open()
    return article


@pytest.fixture
def article(shared_article: Article) -> Iterator[Article]:
    """The article in an engine as the last test left it; a complaint of the page is a failure."""
    before = len(shared_article.browser.complaints())
    yield shared_article
    assert shared_article.browser.complaints()[before:] == []
