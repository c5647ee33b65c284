"""Everything is put together here, and nowhere else."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp

from app import __version__
from app.comments import Comments
from app.engines.registry import engine_for
from app.runs import Runs
from app.settings import Settings
from app.store import Store
from app.web import comments, health, pages, problems, runs
from app.web.assets import FOLDER, Assets, version_of
from app.web.security import MAX_BODY_BYTES, Guard
from app.web.streams import Streams


class Article(FastAPI):
    """The application with its guard around everything, Starlette's own error page included."""

    def build_middleware_stack(self) -> ASGIApp:
        return Guard(super().build_middleware_stack())


def create_app(settings: Settings) -> FastAPI:
    """The server's application. Its lifespan starts the engine and ends all runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        await app.state.runs.start()
        await to_thread.run_sync(app.state.store.check)
        yield
        await app.state.runs.close()

    app = Article(
        title="Why Does Batch Normalization Work?",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,  # both load scripts from a CDN
        redoc_url=None,
        max_body_size=MAX_BODY_BYTES,
    )
    asset_root = f"/static/{version_of()}"
    app.state.runs = Runs(engine_for(settings), settings)
    app.state.streams = Streams(settings.streams)
    app.state.store = Store(settings.store)
    app.state.comments = comments.Shelf(Comments(app.state.store))
    app.state.pages = pages.Pages(asset_root, comments=settings.comments)
    problems.install(app)
    for room in (pages, runs, health, *([comments] if settings.comments else [])):
        app.include_router(room.router)
    app.mount(asset_root, Assets(directory=FOLDER), name="assets")

    # The last one added is the first to see a request.
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(
        SessionMiddleware,
        secret_key=settings.secret.get_secret_value(),
        session_cookie="reader",
        max_age=None,
    )
    app.add_middleware(
        TrustedHostMiddleware,
        allowed_hosts=sorted(settings.allowed_hosts | {settings.host}),
        www_redirect=False,
    )
    return app
