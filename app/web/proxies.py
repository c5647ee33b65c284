"""Applies the forwarding headers of trusted proxies: client address, scheme and host."""

from collections.abc import Iterable, Iterator

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.web.hosts import DEFAULT_PORTS

# Key of an ASGI scope: whether the request comes from a trusted proxy.
FROM_TRUSTED_PROXY = "batchnorm.trusted_proxy"


class TrustedProxyMiddleware:
    """Applies X-Forwarded-For, X-Forwarded-Proto and Forwarded (RFC 7239) from trusted proxies."""

    def __init__(self, app: ASGIApp, trusted: Iterable[str]) -> None:
        self._app = app
        self._uvicorn_middleware = ProxyHeadersMiddleware(app, sorted(trusted))  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        scope[FROM_TRUSTED_PROXY] = (
            client[0] if client else None
        ) in self._uvicorn_middleware.trusted_hosts
        if scope[FROM_TRUSTED_PROXY]:
            headers = Headers(scope=scope)
            if "x-forwarded-for" not in headers:
                self._set_client(scope, forwarded_values(headers, "for"))
            schemes = [
                *header_values(headers, "x-forwarded-proto"),
                *forwarded_values(headers, "proto"),
            ]
            # Each proxy of a chain appends its own scheme, so the first is the browser's.
            if schemes and (scheme := schemes[0].lower()) in DEFAULT_PORTS:
                scope["scheme"] = scheme
        await self._uvicorn_middleware(scope, receive, send)  # type: ignore[arg-type]

    def _set_client(self, scope: Scope, addresses: Iterable[str]) -> None:
        text = ", ".join(addresses)
        if text:
            host, port = self._uvicorn_middleware.trusted_hosts.get_trusted_client_address(text)
            if host:
                scope["client"] = (host, port)


def header_values(headers: Headers, name: str) -> list[str]:
    """Returns all values of a comma-separated header, which may be sent more than once."""
    values = ",".join(headers.getlist(name)).split(",")
    return [value.strip() for value in values if value.strip()]


def forwarded_values(headers: Headers, parameter: str) -> Iterator[str]:
    """Yields one parameter's value from each element of the Forwarded header."""
    for element in header_values(headers, "forwarded"):
        for pair in element.split(";"):
            name, _, value = pair.partition("=")
            if name.strip().lower() == parameter and value.strip().strip('"'):
                yield value.strip().strip('"')
