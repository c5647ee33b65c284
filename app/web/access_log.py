"""The access log: counts responses by status and logs each request with an unsafe method."""

import logging
from collections import Counter
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.security import SAFE_METHODS

log = logging.getLogger(__name__)

MAX_LOGGED_PATH = 200


class AccessLogMiddleware:
    """The outermost middleware. It does not log safe methods (GET, HEAD) or client addresses.

    It counts every response in `responses_by_status`.
    """

    def __init__(self, app: ASGIApp, responses_by_status: Counter[int]) -> None:
        self._app = app
        self._responses_by_status = responses_by_status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = monotonic()

        async def send_and_log(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._log_request(scope, message["status"], monotonic() - started_at)
            await send(message)

        await self._app(scope, receive, send_and_log)

    def _log_request(self, scope: Scope, status: int, seconds: float) -> None:
        self._responses_by_status[status] += 1
        if scope["method"] in SAFE_METHODS:
            return
        fields = {
            "method": scope["method"],
            # The raw path is still percent-encoded, so it can't put a line break into the log.
            "path": scope["raw_path"].decode("ascii", "replace")[:MAX_LOGGED_PATH],
            "status": status,
            "ms": round(1000 * seconds, 1),
        }
        log.info("answered", extra=fields)
