"""Builds the ASGI application from its parts."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp

from app import __version__
from app.article import renderer
from app.article.assets import STATIC_FOLDER, content_version
from app.comments import Comments
from app.engines.base import Engine
from app.engines.registry import create_engine
from app.errors import InvalidSettings
from app.runs.archive import Archive
from app.runs.scheduler import RunScheduler
from app.settings import PREFIX, Settings
from app.store import Store
from app.web import comments, health, pages, problem_details, prometheus, runs
from app.web.access_log import AccessLogMiddleware
from app.web.event_stream import StreamRegistry
from app.web.hosts import AllowedHosts
from app.web.openapi import build_openapi
from app.web.paths import RootPathMiddleware
from app.web.problem_pages import ProblemPageMiddleware
from app.web.proxies import TrustedProxyMiddleware
from app.web.security import MAX_BODY_BYTES, SecurityMiddleware
from app.web.sessions import ReaderSessionMiddleware
from app.web.static_files import ImmutableStaticFiles


class ArticleApp(FastAPI):
    """The FastAPI application, wrapped in middleware that also covers Starlette's error page."""

    def build_middleware_stack(self) -> ASGIApp:
        settings: Settings = self.state.settings
        secured = SecurityMiddleware(
            super().build_middleware_stack(), AllowedHosts(settings), public_url=settings.public_url
        )
        with_pages = ProblemPageMiddleware(secured, self.state.pages.problem_page)
        below_root_path = RootPathMiddleware(with_pages, settings.root_path)
        return AccessLogMiddleware(
            TrustedProxyMiddleware(below_root_path, settings.trusted_proxies),
            self.state.responses_by_status,
        )

    def openapi(self) -> dict[str, Any]:
        description: dict[str, Any] = self.state.openapi_document
        return description


def create_app(settings: Settings, engine: Engine | None = None) -> FastAPI:
    """Returns the server's application. Its lifespan starts the engine and ends all runs.

    `engine` replaces the engine that the settings name.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        await app.state.runs.start()
        await to_thread.run_sync(app.state.store.check)
        lag_task = asyncio.create_task(app.state.metrics.loop_lag.run())
        yield
        lag_task.cancel()
        await app.state.runs.close()

    app = ArticleApp(
        title="Why Does Batch Normalization Work?",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,  # these two pages load scripts from a CDN
        redoc_url=None,
        max_body_size=MAX_BODY_BYTES,
        # FastAPI redirects to an absolute URL, which is wrong below a root path. problem_details.py
        # redirects relatively.
        redirect_slashes=False,
    )
    asset_root = f"static/{content_version()}"
    app.state.settings = settings
    app.state.streams = StreamRegistry(settings.streams)
    app.state.store = Store(settings.store)
    archive = Archive(app.state.store, settings.store_mb * 1_000_000)
    app.state.runs = RunScheduler(engine or create_engine(settings), settings, archive)
    app.state.comments = comments.AsyncComments(Comments(app.state.store))
    app.state.pages = renderer.shared_renderer(
        asset_root,
        comments=settings.comments,
        language=settings.language,
        public_url=settings.public_url,
    )
    app.state.responses_by_status = Counter()
    app.state.metrics = prometheus.MetricsCollector(
        app.state.runs, app.state.store, app.state.streams, app.state.responses_by_status
    )
    app.state.openapi_document = build_openapi(comments=settings.comments, metrics=settings.metrics)
    problem_details.add_exception_handlers(app)
    optional = [(comments, settings.comments), (prometheus, settings.metrics)]
    enabled = (module for module, is_enabled in optional if is_enabled)
    for module in (pages, runs, health, *enabled):
        app.include_router(module.router)
    app.mount(f"/{asset_root}", ImmutableStaticFiles(directory=STATIC_FOLDER), name="assets")
    _check_root_path(app, settings.root_path)

    # The middleware added last sees a request first. Problem documents stay uncompressed, since
    # ProblemPageMiddleware parses them.
    uncompressed = (*DEFAULT_EXCLUDED_CONTENT_TYPES, problem_details.ProblemResponse.media_type)
    app.add_middleware(GZipMiddleware, minimum_size=1000, exclude_content_types=uncompressed)
    app.add_middleware(ReaderSessionMiddleware, settings=settings)
    return app


def _check_root_path(app: FastAPI, root_path: str) -> None:
    """Raises InvalidSettings if the root path begins like one of the application's own routes.

    A proxy may or may not strip the root path, so such a path would be ambiguous.
    """
    first = root_path.split("/")[:2]
    if root_path and any(
        path.split("/")[:2] == first for path in (*app.openapi()["paths"], "/static")
    ):
        raise InvalidSettings(
            f"{PREFIX}ROOT_PATH: {root_path} is an address of the article itself; take another one"
        )
