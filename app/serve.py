"""uvicorn, taught to say where it listens and to let its streams go when it is told to end."""

import asyncio
import signal
import socket
import sys
from types import FrameType

import uvicorn
from fastapi import FastAPI

from app.main import create_app
from app.settings import Settings
from app.web.connections import Connection

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
        for listener in self.servers[0].sockets:
            host, port = listener.getsockname()[:2]
            print(f"Reading at http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)

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
        http=Connection,
        ws="none",
        server_header=False,
        forwarded_allow_ips=sorted(settings.trusted_proxies),
        access_log=False,
        log_config=None,  # its lines go where all others go (app/journal.py)
        log_level="error",  # what readers send wrong is answered, and would fill the log
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def serve(settings: Settings) -> None:
    """Serves the article until SIGTERM or Ctrl-C; then the process exits with 0."""
    app = create_app(settings)
    # uvicorn raises the signal again when it has shut down in good order.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: sys.exit(0))
    Server(app, config_for(app, settings)).run()
