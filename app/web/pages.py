"""The article as HTML, and a run's page, panel and receipt."""

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from app.article.figure_links import MAX_QUERY, Asked, asked
from app.article.renderer import Pages
from app.errors import UnknownRun
from app.runs.run import Run
from app.runs.scheduler import RunScheduler
from app.web.paths import absolute, root_of, root_of_asking_page
from app.web.security import reader_of

router = APIRouter()


def pages_of(request: Request) -> Pages:
    """The pages of this server."""
    pages: Pages = request.app.state.pages
    return pages


def wants_fragment(request: Request) -> bool:
    """htmx asks."""
    return request.headers.get("hx-request") == "true"


def wants_json(request: Request) -> bool:
    """A script asks, and no browser."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


@router.get("/")
async def article(request: Request) -> HTMLResponse:
    """The article, each figure with its recorded run, and that of a link with its settings."""
    return _html(pages_of(request).article(reader_of(request), followed=_followed(request)))


@router.get("/references.bib")
async def bibliography(request: Request) -> PlainTextResponse:
    """What the article cites, as BibTeX."""
    return PlainTextResponse(pages_of(request).bibliography, media_type="text/x-bibtex")


@router.get("/teaching")
async def teaching(request: Request) -> HTMLResponse:
    """Lessons with the figures, for a class."""
    return HTMLResponse(pages_of(request).teaching, headers={"Cache-Control": "no-cache"})


@router.get("/runs/{run_id}")
async def run_page(request: Request, run_id: str) -> Response:
    """The article opened at a run; its receipt as JSON; its panel for htmx.

    A run that has expired can be repeated from the query of its permalink.
    """
    runs: RunScheduler = request.app.state.runs
    reader, pages, root = reader_of(request), pages_of(request), root_of(request.scope)
    try:
        run = await runs.find(run_id)
    except UnknownRun:
        gone = _followed(request)
        if gone is None or gone.problems or wants_fragment(request) or wants_json(request):
            raise
        return _html(pages.article(reader, root=root, followed=replace(gone, expired=True)))
    if wants_fragment(request):
        return _html(pages.panel(run, reader, root=root_of_asking_page(request)))
    if wants_json(request):
        return JSONResponse(
            receipt_of(request, run), headers={"Cache-Control": "no-store", "Vary": "Accept"}
        )
    return _html(pages.article(reader, root=root, opened=run))


def receipt_of(request: Request, run: Run) -> dict[str, object]:
    """A run's receipt, with the address at which others find the run if the settings know one."""
    if not request.app.state.settings.public_url:
        return run.receipt()
    return {**run.receipt(), "address": absolute(request, f"/runs/{run.id}")}


def _followed(request: Request) -> Asked | None:
    """What the link that leads here asks for; None where it asks for nothing that there is."""
    return asked(request.query_params) if len(request.url.query) <= MAX_QUERY else None


def _html(text: str) -> HTMLResponse:
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept, HX-Request"}
    return HTMLResponse(text, headers=headers)
