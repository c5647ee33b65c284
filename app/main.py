"""Everything is put together here, and nowhere else."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp

from app import __version__
from app.engines.registry import engine_for
from app.runs import Runs
from app.settings import Settings
from app.web import health, pages, problems, runs
from app.web.assets import FOLDER, Assets, version_of
from app.web.security import MAX_BODY_BYTES, Guard


class Article(FastAPI):
    """The application with its guard around everything, Starlette's own error page included."""

    def build_middleware_stack(self) -> ASGIApp:
        return Guard(super().build_middleware_stack())


def create_app(settings: Settings) -> FastAPI:
    """The server's application. Its lifespan starts the engine and ends all runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        await app.state.runs.start()
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
    app.state.pages = pages.Pages(asset_root)
    problems.install(app)
    for room in (pages, runs, health):
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
