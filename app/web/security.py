"""Security headers, host and origin checks, request size limits, reader sessions."""

import secrets
from collections.abc import Iterator
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.article.content_policy import CONTENT_POLICY
from app.settings import PREFIX
from app.web.hosts import AllowedHosts, Authority, parse_authority, parse_origin
from app.web.problem_details import problem_response
from app.web.proxies import FROM_TRUSTED_PROXY, forwarded_values, header_values

SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_IDEMPOTENCY_KEY_LENGTH = 200
# Limits the digits of a Last-Event-ID; no log has that many events.
MAX_EVENT_ID_DIGITS = 9
MAX_BODY_BYTES = 16 * 1024
MAX_CONTENT_LENGTH_DIGITS = 20


# Exempt from the host check, as are static files: load balancers request these by IP address.
PATHS_FOR_ANY_HOST = ("/healthz", "/readyz")
STATIC_PREFIX = "/static/"


class SecurityMiddleware:
    """Adds `SECURITY_HEADERS` to every response, errors included, and rejects unsafe requests.

    It rejects hosts that are not allowed, bodies over `MAX_BODY_BYTES`, and cross-origin requests
    with an unsafe method.
    """

    def __init__(self, app: ASGIApp, hosts: AllowedHosts, public_url: str = "") -> None:
        self._app = app
        self._hosts = hosts
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        respond = self._rejection(scope) or self._app
        await respond(scope, receive, send_with_headers)

    def _rejection(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        path: str = scope["path"]
        if path not in PATHS_FOR_ANY_HOST and not path.startswith(STATIC_PREFIX):
            host_error = self._hosts.rejection_reason(headers)
            if host_error:
                return problem_response(HTTPStatus.BAD_REQUEST, host_error)
        length = headers.get("content-length", "0")
        if not _is_decimal(length) or int(length) > MAX_BODY_BYTES:
            return problem_response(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body may have {MAX_BODY_BYTES} bytes."
            )
        if scope["method"] not in SAFE_METHODS and not self._is_same_origin(scope, headers):
            return problem_response(HTTPStatus.FORBIDDEN, _cross_origin_detail(headers))
        return None

    def _is_same_origin(self, scope: Scope, headers: Headers) -> bool:
        """Whether the request comes from a page of this server, or not from a browser at all.

        Browsers send Sec-Fetch-Site, which holds even if a proxy has changed the Host. They don't
        over plain http to another machine, and Safari didn't before 16.4; then the Origin must be
        one of this server's. Pages can't set either header, and a request with neither does not
        come from a browser.
        """
        sites = {site.lower() for site in header_values(headers, "sec-fetch-site")}
        if sites:
            return sites <= {"same-origin", "none"}
        origins = headers.getlist("origin")
        if not origins:
            return True
        if len(set(origins)) > 1:
            return False
        if origins[0].strip() == "null":
            # Our own page sends this if a proxy adds `Referrer-Policy: no-referrer`. A foreign page
            # can't send HX-Request: its browser sends a preflight first, which is not granted.
            return headers.get("hx-request") == "true"
        origin = parse_origin(origins[0])
        if origin is None:
            return False
        scheme, authority = origin
        if self._public_url and origin == parse_origin(_url_origin(self._public_url)):
            return True
        if scheme == "http" and scope["scheme"] == "https":
            return False
        return authority in {own.with_port(scheme) for own in _own_authorities(scope, headers)}


def _own_authorities(scope: Scope, headers: Headers) -> Iterator[Authority]:
    """Yields this server's hosts as the browser or a trusted proxy names them in the request."""
    texts = [headers.get("host", "")]
    if scope.get(FROM_TRUSTED_PROXY):
        hosts = [*header_values(headers, "x-forwarded-host"), *forwarded_values(headers, "host")]
        ports = header_values(headers, "x-forwarded-port")
        texts += hosts
        texts += [f"{host}:{port}" for host in [*hosts, texts[0]] for port in ports]
    yield from filter(None, map(parse_authority, texts))


def _url_origin(url: str) -> str:
    return "/".join(url.split("/")[:3])


def _cross_origin_detail(headers: Headers) -> str:
    text = "This request came from another site's page."
    origin = parse_origin(headers.get("origin", ""))
    if origin is None or "sec-fetch-site" in headers:
        return text
    return (
        f"{text} If the page is this server's own and a proxy changes its address, "
        f"the setting {PREFIX}PUBLIC_URL has to name the address that readers use."
    )


def _is_decimal(text: str) -> bool:
    """Whether `int` can parse the text; it fails for "²" and for thousands of digits."""
    return text.isascii() and text.isdigit() and len(text) <= MAX_CONTENT_LENGTH_DIGITS


def reader_id(request: Request) -> str:
    """Returns the id in this browser session's signed cookie, drawn at its first request."""
    reader = request.session.setdefault("reader", secrets.token_urlsafe(12))
    return str(reader)
