"""Headers on every answer, and who may change anything: same origin, same session."""

import secrets
from collections.abc import Iterator
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.article.content_policy import CONTENT_POLICY
from app.settings import PREFIX
from app.web.hosts import Authority, Hosts, parse_authority, parse_origin
from app.web.problem_details import problem
from app.web.proxies import TRUSTED, forwarded, listed

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


# Answered whatever the host: load balancers ask by address. The files are the same for everybody.
FOR_ANY_HOST = ("/healthz", "/readyz")
FILES = "/static/"


class Guard:
    """Around the whole application: adds `HEADERS` to every answer, its errors' included.

    Refuses a host that is not this server's, a body over `MAX_BODY_BYTES`, and a change that
    another site's page asks for.
    """

    def __init__(self, app: ASGIApp, hosts: Hosts, public_url: str = "") -> None:
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
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refusal(scope) or self._app
        await answer(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        path: str = scope["path"]
        if path not in FOR_ANY_HOST and not path.startswith(FILES):
            foreign = self._hosts.refusal(headers)
            if foreign:
                return problem(HTTPStatus.BAD_REQUEST, foreign)
        length = headers.get("content-length", "0")
        if not _is_number(length) or int(length) > MAX_BODY_BYTES:
            return problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body may have {MAX_BODY_BYTES} bytes."
            )
        if scope["method"] not in SAFE_METHODS and not self._may_change(scope, headers):
            return problem(HTTPStatus.FORBIDDEN, _foreign(headers))
        return None

    def _may_change(self, scope: Scope, headers: Headers) -> bool:
        """Whether the request comes from a page of this server, or from no browser.

        A browser says so itself in Sec-Fetch-Site, whatever proxies made of the Host. It does not
        over plain http to another machine, nor did Safari before 16.4: then the Origin has to be
        an address of this server. Pages can't set either header. A request with neither comes from
        no browser.
        """
        sites = {site.lower() for site in listed(headers, "sec-fetch-site")}
        if sites:
            return sites <= {"same-origin", "none"}
        origins = headers.getlist("origin")
        if not origins:
            return True
        if len(set(origins)) > 1:
            return False
        if origins[0].strip() == "null":
            # Of our own page, under a proxy's Referrer-Policy: no-referrer. A page elsewhere may
            # not send HX-Request: its browser asks first, by OPTIONS, and gets no permission.
            return headers.get("hx-request") == "true"
        origin = parse_origin(origins[0])
        if origin is None:
            return False
        scheme, authority = origin
        if self._public_url and origin == parse_origin(_origin_of(self._public_url)):
            return True
        if scheme == "http" and scope["scheme"] == "https":
            return False
        return authority in {own.with_port(scheme) for own in _own_authorities(scope, headers)}


def _own_authorities(scope: Scope, headers: Headers) -> Iterator[Authority]:
    """What this server is called in the request, by the browser or by a trusted proxy."""
    texts = [headers.get("host", "")]
    if scope.get(TRUSTED):
        hosts = [*listed(headers, "x-forwarded-host"), *forwarded(headers, "host")]
        ports = listed(headers, "x-forwarded-port")
        texts += hosts
        texts += [f"{host}:{port}" for host in [*hosts, texts[0]] for port in ports]
    yield from filter(None, map(parse_authority, texts))


def _origin_of(url: str) -> str:
    return "/".join(url.split("/")[:3])


def _foreign(headers: Headers) -> str:
    text = "This request came from another site's page."
    origin = parse_origin(headers.get("origin", ""))
    if origin is None or "sec-fetch-site" in headers:
        return text
    return (
        f"{text} If the page is this server's own and a proxy changes its address, "
        f"the setting {PREFIX}PUBLIC_URL has to name the address that readers use."
    )


def _is_number(text: str) -> bool:
    """For `int`, which takes neither "²" nor thousands of digits."""
    return text.isascii() and text.isdigit() and len(text) <= MAX_LENGTH_DIGITS


def reader_of(request: Request) -> str:
    """Who this browser session is, by its signed cookie; drawn at its first request."""
    reader = request.session.setdefault("reader", secrets.token_urlsafe(12))
    return str(reader)
