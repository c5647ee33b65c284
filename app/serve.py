"""uvicorn, taught to say where it listens and to let its streams go when it is told to end."""

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

# Descriptors besides those of the streams: workers, files, readers that ask for pages.
SPARE_FILES = 500
# A connection that takes no bytes for this long is dropped by the system. The stream has given up
# a second before (`SEND_TIMEOUT_SECONDS` of event_stream.py), but buffered bytes would keep the
# socket open.
UNREAD_MS = 9_000
# Longest wait for streams and requests at the end; they are all released at once before it.
GRACE_SECONDS = 3


class Server(uvicorn.Server):
    """Prints its address once it listens; when told to end, it ends all runs first.

    uvicorn waits for open streams before it shuts the application down, and a stream ends when
    its run does: without this, one reader would keep the server alive.
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
            _drop_what_is_not_read(listener.fileno())
        first, *others = server_urls(listeners)
        lines = [f"Reading at {first}", *(f"Also at {other}" for other in others)]
        if public := self._app.state.settings.public_url:
            lines.append(f"For readers: {public}/")
        print("\n".join(lines), flush=True)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._app.state.runs.stop_all)


def config_for(app: FastAPI, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves the article."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=BoundedHttpProtocol,
        ws="none",
        server_header=False,
        proxy_headers=False,  # the application believes them itself: app/web/proxies.py
        access_log=False,
        log_config=None,  # its lines go where all others go (app/logging_config.py)
        log_level="error",  # what readers send wrong is answered, and would fill the log
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def serve(settings: Settings) -> None:
    """Serves the article until SIGTERM or Ctrl-C; then the process exits with 0."""
    if problem := machine.why_no_threads():
        raise InvalidSettings(problem)
    _allow_files(settings.streams + SPARE_FILES)
    sockets = listen(settings.host, settings.port)
    app = create_app(settings)
    # uvicorn raises the signal again when it has shut down in good order.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: sys.exit(0))
    Server(app, config_for(app, settings)).run(sockets)


def _drop_what_is_not_read(listener: int) -> None:
    """For all connections that this listening socket will accept; elsewhere than on Linux, none."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        with socket.socket(fileno=os.dup(listener)) as inherited:
            inherited.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)


def _allow_files(wanted: int) -> None:
    """Every stream is an open file; shells often allow 1,024, though the system allows more."""
    with suppress(ImportError):  # Windows has no such bound
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
