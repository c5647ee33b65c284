"""Headers on every answer, and who may change anything: same origin, same session."""

import secrets
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.problems import problem

DIRECTIVES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "manifest-src 'self'",
)
CONTENT_POLICY = "; ".join(DIRECTIVES)
# For a page that no server of ours sends. Who may frame it is all that it can't say itself.
META_POLICY = "; ".join(each for each in DIRECTIVES if not each.startswith("frame-ancestors"))

HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_KEY_LENGTH = 200
# Sent to us as text and compared with a log's length: more digits than any log could need.
MAX_ID_DIGITS = 9
MAX_BODY_BYTES = 16 * 1024
MAX_LENGTH_DIGITS = 20


class Guard:
    """Around the whole application: adds `HEADERS` to every answer, its errors' included.

    Refuses a body over `MAX_BODY_BYTES`, and a change that another site's page asks for. A
    request with neither `Sec-Fetch-Site` nor `Origin` comes from no browser and is allowed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = _refusal(scope["method"], Headers(scope=scope)) or self._app
        await answer(scope, receive, send_with_headers)


def _refusal(method: str, headers: Headers) -> Response | None:
    length = headers.get("content-length", "0")
    if not _is_number(length) or int(length) > MAX_BODY_BYTES:
        return problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body may have {MAX_BODY_BYTES} bytes."
        )
    if method not in SAFE_METHODS and _is_foreign(headers):
        return problem(HTTPStatus.FORBIDDEN, "This request came from another site's page.")
    return None


def _is_number(text: str) -> bool:
    """For `int`, which takes neither "²" nor thousands of digits."""
    return text.isascii() and text.isdigit() and len(text) <= MAX_LENGTH_DIGITS


def _is_foreign(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")


def reader_of(request: Request) -> str:
    """Who this browser session is, by its signed cookie; drawn at its first request."""
    reader = request.session.setdefault("reader", secrets.token_urlsafe(12))
    return str(reader)
