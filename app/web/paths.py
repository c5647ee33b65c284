"""Root paths: strips a proxy's path prefix from requests and computes relative links.

All links in pages are relative, so that the pages work below any path, even one that the server
does not know.
"""

import re
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Keys of an ASGI scope: the root path was removed from the path; the method was HEAD.
ROOT_PATH_REMOVED = "batchnorm.prefixed"
IS_HEAD = "batchnorm.head"
# The only pages with figures or comments that are not in the same folder as the article.
RUN_PAGE = re.compile("/runs/[^/]+$")


def relative_root(scope: Scope) -> str:
    """Returns the relative URL of the article from the scope's path: `./`, `../` and so on."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return "../" * (raw.count(b"/") - 1) or "./"


def relative_root_of_htmx_page(request: Request) -> str:
    """Returns the relative URL of the article from the page into which htmx puts a fragment.

    htmx sends that page's URL, as the browser shows it, in the header HX-Current-URL.
    """
    page_path = urlsplit(request.headers.get("hx-current-url", "")).path
    return "../" if RUN_PAGE.search(page_path) else "./"


def external_url(request: Request, path: str) -> str:
    """Returns a path's URL below the public URL of the settings, or else below the root path."""
    settings = request.app.state.settings
    return f"{settings.public_url or settings.root_path}{path}"


class RootPathMiddleware:
    """Removes the root path from a request's path; handles HEAD as GET without a body."""

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
            redirect = RedirectResponse(f"{last}/{'?' + query if query else ''}")
            await redirect(scope, receive, send)
            return
        if root and scope["path"].startswith(f"{root}/"):
            raw: bytes = scope.get("raw_path") or scope["path"].encode()
            # The raw path may be percent-encoded, so its segments are counted, not compared.
            segments = raw.split(b"/")[root.count("/") + 1 :]
            scope = {
                **scope,
                "path": scope["path"].removeprefix(root),
                "raw_path": b"/" + b"/".join(segments),
                ROOT_PATH_REMOVED: True,
            }
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET", IS_HEAD: True}
            send = _drop_body(send)
        await self._app(scope, receive, send)


def _drop_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head
