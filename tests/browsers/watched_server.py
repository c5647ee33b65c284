"""The server of the article, but that its first script begins with collector.js: `python -m`."""

import signal
import sys
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from app import logging_config, settings
from app.article.assets import STATIC_FOLDER
from app.main import create_app
from app.serve import ArticleServer, uvicorn_config

# The first script of every page, which the parser waits for.
FIRST = Path("js", "theme.js")


class Watched:
    """Answers as the article's application does, with another first script."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        parts = (Path(__file__).with_name("collector.js"), STATIC_FOLDER / FIRST)
        self._script = "\n".join(part.read_text("utf-8") for part in parts).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith(f"/{FIRST.as_posix()}"):
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"text/javascript"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._script})


def main() -> None:
    """Serves until SIGTERM."""
    loaded = settings.load()
    logging_config.configure(loaded.log_format)
    app = create_app(loaded)
    config = uvicorn_config(app, loaded)
    config.app = Watched(app)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ArticleServer(app, config).run()


if __name__ == "__main__":
    main()
