"""The article, and a figure's fragments."""

import secrets
from collections.abc import Sequence
from statistics import median
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from app import recordings
from app.architectures import parameter_count
from app.comments import MAX_NAME, MAX_TEXT, Comment
from app.experiments import EXPERIMENTS, Arm
from app.runs import Run, Runs
from app.web.assets import FOLDER as STATIC
from app.web.drawing import draw_network, draw_plot, draw_stages
from app.web.maths import Maths
from app.web.security import reader_of

TEMPLATES = STATIC.parent / "templates"

router = APIRouter()


class Pages:
    """Renders templates. Everything that doesn't change while the server lives is read once."""

    def __init__(self, asset_root: str, *, comments: bool) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            extensions=[Maths],
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {
            "assets": asset_root,
            "comments_bounds": (MAX_NAME, MAX_TEXT) if comments else None,
            "experiments": EXPERIMENTS,
            "recordings": {slug: recordings.load(slug) for slug in EXPERIMENTS},
            "draw_network": draw_network,
            "draw_plot": draw_plot,
            "draw_stages": draw_stages,
            "final_values": final_values,
            "parameter_count": parameter_count,
            "new_key": lambda: secrets.token_urlsafe(12),
        }
        # Compiles all templates now (0.2 s, measured), not while the first reader waits.
        self.article(opened=None)

    def article(self, opened: Run | None) -> str:
        """The whole page; with `opened`, its figure shows that run."""
        return self._render("article.html", opened=opened)

    def panel(self, run: Run) -> str:
        """A figure's controls and state, for htmx to put in place of the old ones."""
        return self._render("panel.html", experiment=run.experiment, run=run)

    def comments(
        self, shown: Sequence[Comment], total: int, *, name: str = "", new: Comment | None = None
    ) -> str:
        """The comments and a fresh form, for htmx; `new` is the one that the reader just wrote."""
        return self._render("comments.html", shown=shown, total=total, name=name, new=new)

    def comments_page(self, shown: Sequence[Comment], total: int) -> str:
        """The same as a page of its own, for readers without scripts."""
        return self._render("comments-page.html", shown=shown, total=total, name="", new=None)

    def _render(self, name: str, /, **context: Any) -> str:
        return self._environment.get_template(name).render(context)


def final_values(run: Run, arm: Arm) -> list[str]:
    """An arm's last values in words, the median over the seeds; empty if none has ended."""
    texts = []
    for metric in run.experiment.metrics:
        values = run.measured.final(arm.id, metric.id).values()
        if values:
            middle = median(values)
            texts.append(f"{middle:.1%}" if metric.share else f"{middle:.4g}")
    return texts


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
    """The article, each figure with its recorded run."""
    reader_of(request)
    return _html(pages_of(request).article(opened=None))


@router.get("/runs/{run_id}")
async def run_page(request: Request, run_id: str) -> Response:
    """The article opened at a run; its receipt as JSON; its panel for htmx."""
    runs: Runs = request.app.state.runs
    run = runs.get(run_id)
    reader_of(request)
    if wants_fragment(request):
        return _html(pages_of(request).panel(run))
    if wants_json(request):
        return JSONResponse(run.receipt(), headers={"Cache-Control": "no-store", "Vary": "Accept"})
    return _html(pages_of(request).article(opened=run))


def _html(text: str) -> HTMLResponse:
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept, HX-Request"}
    return HTMLResponse(text, headers=headers)
