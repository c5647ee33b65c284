"""Where a request's path leads: below a proxy's path, and back to the article, relatively.

Pages ask for everything relative to themselves, so that they work below any path, also where the
server is not told of it.
"""

import re
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Keys of a scope: the path came with the root path before it; the method was HEAD.
PREFIXED = "batchnorm.prefixed"
HEAD = "batchnorm.head"
# Of all pages with figures or comments, this alone is not beside the article.
OF_A_RUN = re.compile("/runs/[^/]+$")


def root_of(scope: Scope) -> str:
    """From the page at this path, the relative address of the article: `./`, `../`, …"""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return "../" * (raw.count(b"/") - 1) or "./"


def root_of_asking_page(request: Request) -> str:
    """For a fragment: the same from the page whose script asks for it.

    htmx names that page, by the address which the browser has for it.
    """
    asking = urlsplit(request.headers.get("hx-current-url", "")).path
    return "../" if OF_A_RUN.search(asking) else "./"


def absolute(request: Request, path: str) -> str:
    """A path's address for others: below the public address of the settings, else the root path."""
    settings = request.app.state.settings
    return f"{settings.public_url or settings.root_path}{path}"


class Paths:
    """Takes the root path off a path that begins with it; answers HEAD as GET without a body."""

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        root = self._root_path
        if root and scope["path"] == root:
            query = scope["query_string"].decode("latin-1")
            last = root.rpartition("/")[2]
            answer = RedirectResponse(f"{last}/{'?' + query if query else ''}")
            await answer(scope, receive, send)
            return
        if root and scope["path"].startswith(f"{root}/"):
            raw: bytes = scope.get("raw_path") or scope["path"].encode()
            # Its letters may be percent-encoded: as many segments as the root path has are cut.
            segments = raw.split(b"/")[root.count("/") + 1 :]
            scope = {
                **scope,
                "path": scope["path"].removeprefix(root),
                "raw_path": b"/" + b"/".join(segments),
                PREFIXED: True,
            }
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", HEAD: True}
            send = _without_body(send)
        await self._app(scope, receive, send)


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
