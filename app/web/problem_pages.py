"""Shows problem documents as HTML pages in browsers."""

import json
from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.paths import relative_root

# Headers of a problem document that describe its body and don't apply to the page.
BODY_HEADERS = frozenset({b"content-type", b"content-length"})


def wants_page(headers: Headers) -> bool:
    """Whether the request comes from browser navigation and not from htmx or another script."""
    accept = headers.get("accept", "").lower()
    return "text/html" in accept and headers.get("hx-request") != "true"


class ProblemPageMiddleware:
    """Replaces a problem document by an HTML page if the request wants a page.

    `render` takes the relative URL of the article and the document's fields.
    """

    def __init__(self, app: ASGIApp, render: Callable[[str, dict[str, Any]], str]) -> None:
        self._app = app
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not wants_page(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        problem_start: Message | None = None

        async def send_page(message: Message) -> None:
            nonlocal problem_start
            if message["type"] == "http.response.start" and _is_problem(message):
                problem_start = message
            elif problem_start is None:
                await send(message)
            else:  # a problem document's body is a single message
                text = self._render(relative_root(scope), json.loads(message["body"]))
                page = HTMLResponse(text, problem_start["status"])
                kept_headers = [
                    pair for pair in problem_start["headers"] if pair[0] not in BODY_HEADERS
                ]
                headers = [
                    *page.raw_headers,
                    *kept_headers,
                    (b"cache-control", b"no-store"),
                    (b"vary", b"Accept"),
                ]
                await send({**problem_start, "headers": headers})
                problem_start = None
                await send({**message, "body": page.body})

        await self._app(scope, receive, send_page)


def _is_problem(message: Message) -> bool:
    return (b"content-type", b"application/problem+json") in message["headers"]
