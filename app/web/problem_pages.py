"""Problem documents as pages, for browsers."""

import json
from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.paths import root_of

# Headers of a problem document that don't hold for its page.
OF_ITS_BODY = frozenset({b"content-type", b"content-length"})


def wants_page(headers: Headers) -> bool:
    """A browser asks for a page; neither htmx nor any other script does."""
    accept = headers.get("accept", "").lower()
    return "text/html" in accept and headers.get("hx-request") != "true"


class ProblemPages:
    """Sends a problem document as a page where the request wants one.

    `render` gets the way to the article and the document's fields.
    """

    def __init__(self, app: ASGIApp, render: Callable[[str, dict[str, Any]], str]) -> None:
        self._app = app
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not wants_page(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        held: Message | None = None

        async def send_page(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_problem(message):
                held = message
            elif held is None:
                await send(message)
            else:  # a problem document comes in one piece
                text = self._render(root_of(scope), json.loads(message["body"]))
                page = HTMLResponse(text, held["status"])
                kept = [pair for pair in held["headers"] if pair[0] not in OF_ITS_BODY]
                headers = [
                    *page.raw_headers,
                    *kept,
                    (b"cache-control", b"no-store"),
                    (b"vary", b"Accept"),
                ]
                await send({**held, "headers": headers})
                held = None
                await send({**message, "body": page.body})

        await self._app(scope, receive, send_page)


def _is_problem(message: Message) -> bool:
    return (b"content-type", b"application/problem+json") in message["headers"]
