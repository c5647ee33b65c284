"""Signed session cookies that don't collide with those of other servers on this machine.

Browsers send a host's cookies to all its ports and keep one cookie of each name. The name therefore
contains a hash: of the secret, which servers behind one proxy share, or else of store and port.
"""

import hashlib
from functools import lru_cache

from starlette.middleware.sessions import SessionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.settings import Settings
from app.web.paths import ROOT_PATH_REMOVED

# A server has one or two ports (IPv4 and IPv6), each with or without https and a root path.
MAX_VARIANTS = 16


class ReaderSessionMiddleware:
    """Starlette's SessionMiddleware, with a cookie name, path and `Secure` that fit the request."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._middleware_for = lru_cache(MAX_VARIANTS)(self._create_middleware)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        port = (scope.get("server") or ("", None))[1]
        path = self._settings.root_path if scope.get(ROOT_PATH_REMOVED) else ""
        middleware = self._middleware_for(port, path or "/", secure=scope["scheme"] == "https")
        await middleware(scope, receive, send)

    def _create_middleware(self, port: int | None, path: str, *, secure: bool) -> SessionMiddleware:
        """Browsers don't let a plain http page replace a `Secure` cookie, so the names differ."""
        return SessionMiddleware(
            self._app,
            secret_key=self._settings.secret.get_secret_value(),
            session_cookie=f"{'__Secure-' if secure else ''}{cookie_name(self._settings, port)}",
            max_age=None,
            path=path,
            https_only=secure,
        )


def cookie_name(settings: Settings, port: int | None) -> str:
    """Returns the cookie's name: `reader-` and eight hexadecimal digits."""
    if "secret" in settings.model_fields_set:
        server = settings.secret.get_secret_value()
    else:
        server = f"{settings.store.absolute()} {port}"
    digest = hashlib.sha256(f"name of the cookie: {server}".encode()).hexdigest()
    return f"reader-{digest[:8]}"
