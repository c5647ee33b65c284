"""Routes that serve HTML: the article, a run's page and panel, the lessons."""

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from app.article.figure_links import MAX_QUERY_LENGTH, FigureLink, parse_figure_link
from app.article.renderer import PageRenderer
from app.errors import UnknownRun
from app.runs.run import Run
from app.runs.scheduler import RunScheduler
from app.web.paths import external_url, relative_root, relative_root_of_htmx_page
from app.web.security import reader_id

router = APIRouter()


def get_pages(request: Request) -> PageRenderer:
    """Returns this server's page renderer."""
    pages: PageRenderer = request.app.state.pages
    return pages


def wants_fragment(request: Request) -> bool:
    """Whether htmx sent the request, and so expects a fragment."""
    return request.headers.get("hx-request") == "true"


def wants_json(request: Request) -> bool:
    """Whether the request accepts JSON and not HTML, as scripts do and browsers don't."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


@router.get("/")
async def article(request: Request) -> HTMLResponse:
    """The article. Figures show their recorded runs; a link's query fills in its figure's form."""
    return _html_response(
        get_pages(request).article(reader_id(request), figure_link=_figure_link(request))
    )


@router.get("/references.bib")
async def bibliography(request: Request) -> PlainTextResponse:
    """The article's references as BibTeX."""
    return PlainTextResponse(get_pages(request).bibliography, media_type="text/x-bibtex")


@router.get("/teaching")
async def teaching(request: Request) -> HTMLResponse:
    """Lessons with the figures, for a class."""
    return HTMLResponse(get_pages(request).teaching_page, headers={"Cache-Control": "no-cache"})


@router.get("/runs/{run_id}")
async def run_page(request: Request, run_id: str) -> Response:
    """The article opened at a run; for scripts the run's receipt, for htmx its panel.

    If the run has expired, the permalink's query fills in its figure's form, to repeat the run.
    """
    runs: RunScheduler = request.app.state.runs
    reader, pages, root = reader_id(request), get_pages(request), relative_root(request.scope)
    try:
        run = await runs.find(run_id)
    except UnknownRun:
        link = _figure_link(request)
        if link is None or link.problems or wants_fragment(request) or wants_json(request):
            raise
        return _html_response(
            pages.article(reader, root=root, figure_link=replace(link, expired=True))
        )
    if wants_fragment(request):
        return _html_response(pages.panel(run, reader, root=relative_root_of_htmx_page(request)))
    if wants_json(request):
        return JSONResponse(
            receipt_with_address(request, run),
            headers={"Cache-Control": "no-store", "Vary": "Accept"},
        )
    return _html_response(pages.article(reader, root=root, opened_run=run))


def receipt_with_address(request: Request, run: Run) -> dict[str, object]:
    """Returns a run's receipt, with its public URL as `address` if the settings name one."""
    if not request.app.state.settings.public_url:
        return run.receipt()
    return {**run.receipt(), "address": external_url(request, f"/runs/{run.id}")}


def _figure_link(request: Request) -> FigureLink | None:
    """Parses the request's query as a link to a figure; None if it names no figure."""
    return (
        parse_figure_link(request.query_params)
        if len(request.url.query) <= MAX_QUERY_LENGTH
        else None
    )


def _html_response(text: str) -> HTMLResponse:
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept, HX-Request"}
    return HTMLResponse(text, headers=headers)
