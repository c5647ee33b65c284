"""The cookie by which a reader is known again, signed; no other server's on this machine.

Browsers send a host's cookies to all its ports, and keep one of each name. So the name has a hash
of the secret, which servers behind one proxy share, or else of the store and the port.
"""

import hashlib
from functools import lru_cache

from starlette.middleware.sessions import SessionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.settings import Settings
from app.web.paths import PREFIXED

# A server has one port, or two (IPv4 and IPv6); each with https or not, below a path or not.
MOST_KINDS = 16


class Sessions:
    """Starlette's sessions, in a cookie whose name, path and `Secure` fit the request."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._for = lru_cache(MOST_KINDS)(self._make)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        port = (scope.get("server") or ("", None))[1]
        path = self._settings.root_path if scope.get(PREFIXED) else ""
        sessions = self._for(port, path or "/", secure=scope["scheme"] == "https")
        await sessions(scope, receive, send)

    def _make(self, port: int | None, path: str, *, secure: bool) -> SessionMiddleware:
        """A browser lets no page of plain http replace a `Secure` cookie: those have a name of
        their own.
        """
        return SessionMiddleware(
            self._app,
            secret_key=self._settings.secret.get_secret_value(),
            session_cookie=f"{'__Secure-' if secure else ''}{cookie_name(self._settings, port)}",
            max_age=None,
            path=path,
            https_only=secure,
        )


def cookie_name(settings: Settings, port: int | None) -> str:
    """`reader-` and eight hexadecimal digits."""
    if "secret" in settings.model_fields_set:
        server = settings.secret.get_secret_value()
    else:
        server = f"{settings.store.absolute()} {port}"
    digest = hashlib.sha256(f"name of the cookie: {server}".encode()).hexdigest()
    return f"reader-{digest[:8]}"
