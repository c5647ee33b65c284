"""What a trusted proxy says of the request it passed on: the client, the scheme and the host."""

from collections.abc import Iterable, Iterator

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.web.hosts import DEFAULT_PORTS

# Key of a scope: the request's peer is a trusted proxy.
TRUSTED = "batchnorm.trusted_proxy"


class Proxies:
    """Believes X-Forwarded-For, X-Forwarded-Proto and Forwarded (RFC 7239) of trusted peers."""

    def __init__(self, app: ASGIApp, trusted: Iterable[str]) -> None:
        self._app = app
        self._of_uvicorn = ProxyHeadersMiddleware(app, sorted(trusted))  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        scope[TRUSTED] = (client[0] if client else None) in self._of_uvicorn.trusted_hosts
        if scope[TRUSTED]:
            headers = Headers(scope=scope)
            if "x-forwarded-for" not in headers:
                self._believe_addresses(scope, forwarded(headers, "for"))
            schemes = [
                *listed(headers, "x-forwarded-proto"),
                *forwarded(headers, "proto"),
            ]
            # Several proxies in a row add theirs behind it: the first is what the browser speaks.
            if schemes and (scheme := schemes[0].lower()) in DEFAULT_PORTS:
                scope["scheme"] = scheme
        await self._of_uvicorn(scope, receive, send)  # type: ignore[arg-type]

    def _believe_addresses(self, scope: Scope, addresses: Iterable[str]) -> None:
        text = ", ".join(addresses)
        if text:
            host, port = self._of_uvicorn.trusted_hosts.get_trusted_client_address(text)
            if host:
                scope["client"] = (host, port)


def listed(headers: Headers, name: str) -> list[str]:
    """All values of a header that is a list, be it sent once or several times."""
    values = ",".join(headers.getlist(name)).split(",")
    return [value.strip() for value in values if value.strip()]


def forwarded(headers: Headers, parameter: str) -> Iterator[str]:
    """One parameter of each element of the Forwarded header."""
    for element in listed(headers, "forwarded"):
        for pair in element.split(";"):
            name, _, value = pair.partition("=")
            if name.strip().lower() == parameter and value.strip().strip('"'):
                yield value.strip().strip('"')
