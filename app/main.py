"""Everything is put together here, and nowhere else."""

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
from app.article.assets import FOLDER, version_of
from app.comments import Comments
from app.engines.base import Engine
from app.engines.registry import create_engine
from app.errors import InvalidSettings
from app.runs.archive import Archive
from app.runs.scheduler import RunScheduler
from app.settings import PREFIX, Settings
from app.store import Store
from app.web import comments, health, pages, problem_details, prometheus, runs
from app.web.access_log import Accesses
from app.web.event_stream import Streams
from app.web.hosts import Hosts
from app.web.openapi import describe
from app.web.paths import Paths
from app.web.problem_pages import ProblemPages
from app.web.proxies import Proxies
from app.web.security import MAX_BODY_BYTES, Guard
from app.web.sessions import Sessions
from app.web.static_files import Assets


class Article(FastAPI):
    """The application with its guard around everything, Starlette's own error page included."""

    def build_middleware_stack(self) -> ASGIApp:
        settings: Settings = self.state.settings
        guarded = Guard(
            super().build_middleware_stack(), Hosts(settings), public_url=settings.public_url
        )
        with_pages = ProblemPages(guarded, self.state.pages.problem)
        below = Paths(with_pages, settings.root_path)
        return Accesses(Proxies(below, settings.trusted_proxies), self.state.answers)

    def openapi(self) -> dict[str, Any]:
        description: dict[str, Any] = self.state.description
        return description


def create_app(settings: Settings, engine: Engine | None = None) -> FastAPI:
    """The server's application. Its lifespan starts the engine and ends all runs.

    `engine`: another one than the settings name.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        await app.state.runs.start()
        await to_thread.run_sync(app.state.store.check)
        heart = asyncio.create_task(app.state.board.pulse.beat())
        yield
        heart.cancel()
        await app.state.runs.close()

    app = Article(
        title="Why Does Batch Normalization Work?",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,  # both load scripts from a CDN
        redoc_url=None,
        max_body_size=MAX_BODY_BYTES,
        redirect_slashes=False,  # to an absolute address, which is wrong below a path: problems.py
    )
    asset_root = f"static/{version_of()}"
    app.state.settings = settings
    app.state.streams = Streams(settings.streams)
    app.state.store = Store(settings.store)
    archive = Archive(app.state.store, settings.store_mb * 1_000_000)
    app.state.runs = RunScheduler(engine or create_engine(settings), settings, archive)
    app.state.comments = comments.Shelf(Comments(app.state.store))
    app.state.pages = renderer.shared(
        asset_root,
        comments=settings.comments,
        language=settings.language,
        public_url=settings.public_url,
    )
    app.state.answers = Counter()
    app.state.board = prometheus.Board(
        app.state.runs, app.state.store, app.state.streams, app.state.answers
    )
    app.state.description = describe(comments=settings.comments, metrics=settings.metrics)
    problem_details.install(app)
    optional = [(comments, settings.comments), (prometheus, settings.metrics)]
    for room in (pages, runs, health, *(room for room, wanted in optional if wanted)):
        app.include_router(room.router)
    app.mount(f"/{asset_root}", Assets(directory=FOLDER), name="assets")
    _check_root_path(app, settings.root_path)

    # The last one added is the first to see a request.
    # A problem document is left as it is: ProblemPages reads it.
    as_they_are = (*DEFAULT_EXCLUDED_CONTENT_TYPES, problem_details.Problem.media_type)
    app.add_middleware(GZipMiddleware, minimum_size=1000, exclude_content_types=as_they_are)
    app.add_middleware(Sessions, settings=settings)
    return app


def _check_root_path(app: FastAPI, root_path: str) -> None:
    """A proxy may take the root path off or not: so it may not look like a page of the article."""
    first = root_path.split("/")[:2]
    if root_path and any(
        path.split("/")[:2] == first for path in (*app.openapi()["paths"], "/static")
    ):
        raise InvalidSettings(
            f"{PREFIX}ROOT_PATH: {root_path} is an address of the article itself; take another one"
        )
