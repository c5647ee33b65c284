"""Runs uvicorn: prints its addresses, and ends all runs and streams at a shutdown."""

import asyncio
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from types import FrameType

import uvicorn
from fastapi import FastAPI

from app import machine
from app.errors import InvalidSettings
from app.main import create_app
from app.settings import Settings
from app.web.listening import listen, server_urls
from app.web.protocol import BoundedHttpProtocol

log = logging.getLogger(__name__)

# File descriptors besides those of the streams: workers, files, connections that load pages.
EXTRA_FILES = 500
# The system drops a connection whose peer accepts no bytes for this long. The stream gives up a
# second earlier (`event_stream.SEND_TIMEOUT_SECONDS`), but unsent bytes would keep its socket open.
SEND_TIMEOUT_MS = 9_000
# Longest wait for open streams and requests at a shutdown, after all streams were ended.
SHUTDOWN_SECONDS = 3


class ArticleServer(uvicorn.Server):
    """A server that prints its addresses when it listens, and stops all runs at a shutdown.

    uvicorn waits for open streams before it shuts the application down, and a stream ends with its
    run. One open stream would otherwise delay the shutdown.
    """

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        listeners = [listener for server in self.servers for listener in server.sockets]
        for listener in listeners:
            _set_send_timeout(listener.fileno())
        first, *others = server_urls(listeners)
        lines = [f"Reading at {first}", *(f"Also at {other}" for other in others)]
        if public := self._app.state.settings.public_url:
            lines.append(f"For readers: {public}/")
        print("\n".join(lines), flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._app.state.runs.stop_all)


def uvicorn_config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """The configuration of uvicorn."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=BoundedHttpProtocol,
        ws="none",
        server_header=False,
        proxy_headers=False,  # the application reads them itself: app/web/proxies.py
        access_log=False,
        log_config=None,  # uses the configuration of app/logging_config.py
        log_level="error",  # invalid requests are answered and would fill the log
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def serve(settings: Settings) -> None:
    """Serves the article until SIGTERM or Ctrl-C; then the process exits with 0."""
    if problem := machine.thread_problem():
        raise InvalidSettings(problem)
    _raise_file_limit(settings.streams + EXTRA_FILES)
    sockets = listen(settings.host, settings.port)
    app = create_app(settings)
    # uvicorn raises the signal again after a regular shutdown.
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: sys.exit(0))
    ArticleServer(app, uvicorn_config(app, settings)).run(sockets)


def _set_send_timeout(listener: int) -> None:
    """Sets the send timeout of all connections that a listening socket accepts (Linux only)."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        with socket.socket(fileno=os.dup(listener)) as inherited:
            inherited.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SEND_TIMEOUT_MS)


def _raise_file_limit(wanted: int) -> None:
    """Raises the limit of open files, since each stream is one; shells often allow only 1,024."""
    with suppress(ImportError):  # Windows has no such limit
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, allowed), hard))
        if allowed < wanted:
            log.warning(
                "%d open files are too few for BATCHNORM_STREAMS: %d would be enough", hard, wanted
            )
