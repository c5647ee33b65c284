"""Requests as an operator sees them: counted by status, and a line for each that wants a change."""

import logging
from collections import Counter
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.security import SAFE_METHODS

log = logging.getLogger(__name__)

LONGEST_PATH = 200


class Accesses:
    """Around everything. No line for those who only look, and no reader's address in any.

    `answers` is how often each status was answered.
    """

    def __init__(self, app: ASGIApp, answers: Counter[int]) -> None:
        self._app = app
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = monotonic()

        async def send_and_tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._tell(scope, message["status"], monotonic() - began)
            await send(message)

        await self._app(scope, receive, send_and_tell)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        self._answers[status] += 1
        if scope["method"] in SAFE_METHODS:
            return
        fields = {
            "method": scope["method"],
            # As it was sent, still percent-encoded: no line break gets into the log.
            "path": scope["raw_path"].decode("ascii", "replace")[:LONGEST_PATH],
            "status": status,
            "ms": round(1000 * seconds, 1),
        }
        log.info("answered", extra=fields)
