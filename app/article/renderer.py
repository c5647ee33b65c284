"""Renders the article and its fragments from Jinja templates."""

import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

from jinja2 import (
    BytecodeCache,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    select_autoescape,
)
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from app.article import lessons
from app.article.assets import preloaded_modules, translation_script
from app.article.citations import Citations
from app.article.editions import SERVER_EDITION, Edition
from app.article.figure_links import FigureLink
from app.article.mathml import MathMLExtension
from app.article.reading import find_curve
from app.article.references import ARTICLE
from app.comments import MAX_NAME, MAX_TEXT, Comment
from app.drawings.networks import draw_network
from app.drawings.sweep_grids import compare_with_sweep, draw_sweep, shade_edges
from app.errors import InvalidSettings
from app.experiments import EXPERIMENTS
from app.experiments.architectures import parameter_count
from app.experiments.definition import Arm, Experiment, RunRequest
from app.measurements import Measurements
from app.reproducibility import recorded_sweeps, recordings, stills
from app.reproducibility.recordings import Recording
from app.resources import TEMPLATES
from app.runs.run import Run
from app.settings import ENGLISH, PREFIX

# The article's relative URL from a page in the same folder.
SAME_FOLDER = "./"


class MemoryBytecodeCache(BytecodeCache):
    """A Jinja bytecode cache in memory, shared by all applications of this process."""

    def __init__(self) -> None:
        self._bytecode: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bytecode = self._bytecode.get((bucket.key, bucket.checksum))
        if bytecode is not None:
            bucket.bytecode_from_string(bytecode)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._bytecode[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


BYTECODE_CACHE = MemoryBytecodeCache()


class PageRenderer:
    """Renders all pages and fragments. Recordings, stills and sweeps are read once."""

    def __init__(
        self,
        asset_root: str,
        *,
        comments: bool,
        edition: Edition = SERVER_EDITION,
        language: str = ENGLISH,
        public_url: str = "",
    ) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_template_folders(language)),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            extensions=[MathMLExtension],
            trim_blocks=True,
            lstrip_blocks=True,
            bytecode_cache=BYTECODE_CACHE,
        )
        self._environment.filters["backticks_to_code"] = backticks_to_code
        recorded = {slug: recordings.load(slug) for slug in EXPERIMENTS}
        self._environment.globals |= {
            "article": ARTICLE,
            "asset_root": asset_root,
            "comments_bounds": (MAX_NAME, MAX_TEXT) if comments else None,
            "edition": edition,
            "experiments": EXPERIMENTS,
            "language": language,
            "find_curve": find_curve,
            "recordings": recorded,
            "changed_settings": changed_settings,
            "requests": {
                slug: recorded_request(EXPERIMENTS[slug], recorded[slug]) for slug in recorded
            },
            "draw_network": draw_network,
            "preloaded_modules": preloaded_modules(language=language),
            "translation_script": translation_script(language),
            "draw_sweep": draw_sweep,
            "shade_edges": shade_edges,
            "compare_with_sweep": compare_with_sweep,
            "stills": stills.load(),
            "sweeps": {slug: recorded_sweeps.load(slug) for slug in EXPERIMENTS},
            "final_values": final_values,
            "levels_json": levels_json,
            "parameter_count": parameter_count,
            "public_url": public_url,
            "cached_fragment": FragmentCache(),
            "new_idempotency_key": lambda: secrets.token_urlsafe(12),
        }
        # This compiles all templates (measured: 0.6 s) before the first request, and an unknown
        # citation stops the start.
        citations = Citations()
        self._render_article("", citations)
        self.bibliography = citations.bibtex()
        self.teaching_page = self._render("teaching.html", root=SAME_FOLDER, lessons=lessons)

    def article(
        self,
        reader: str,
        *,
        root: str = SAME_FOLDER,
        opened_run: Run | None = None,
        figure_link: FigureLink | None = None,
    ) -> str:
        """Renders the article.

        The figure of `opened_run` shows that run; the figure of `figure_link` has its settings
        filled in.
        """
        return self._render_article(reader, Citations(), root, opened_run, figure_link)

    def _render_article(
        self,
        reader: str,
        citations: Citations,
        root: str = SAME_FOLDER,
        opened_run: Run | None = None,
        figure_link: FigureLink | None = None,
    ) -> str:
        return self._render(
            "article.html",
            root=root,
            reader=reader,
            citations=citations,
            opened_run=opened_run,
            figure_link=figure_link,
        )

    def panel(self, run: Run, reader: str, *, root: str = SAME_FOLDER) -> str:
        """Renders a figure's controls and state, which htmx swaps in."""
        return self._render(
            "panel.html", root=root, experiment=run.experiment, run=run, prefill=None, reader=reader
        )

    def comments_fragment(
        self,
        newest: Sequence[Comment],
        total: int,
        *,
        root: str = SAME_FOLDER,
        name: str = "",
        new_comment: Comment | None = None,
    ) -> str:
        """Renders the comments and an empty form for htmx.

        `new_comment` is the one that the reader has just written.
        """
        return self._render(
            "comments.html",
            root=root,
            newest=newest,
            total=total,
            name=name,
            new_comment=new_comment,
        )

    def comments_page(self, newest: Sequence[Comment], total: int) -> str:
        """Renders the comments as a page, for readers without scripts."""
        return self._render(
            "comments-page.html",
            root=SAME_FOLDER,
            newest=newest,
            total=total,
            name="",
            new_comment=None,
        )

    def problem_page(self, root: str, problem: dict[str, Any]) -> str:
        """Renders a problem document as a page; `root` is the article's relative URL."""
        return self._render("problem.html", root=root, problem=problem)

    def _render(self, name: str, /, **context: Any) -> str:
        return self._environment.get_template(name).render(context)


# Applications can share a renderer, which takes 0.4 s to create.
shared_renderer = cache(PageRenderer)


def _template_folders(language: str) -> list[Path]:
    """Returns the template folders in search order: the translation's, then English.

    Raises InvalidSettings if there is no translation.
    """
    if language == ENGLISH:
        return [TEMPLATES]
    translation = TEMPLATES / language
    if not translation.is_dir():
        raise InvalidSettings(
            f"{PREFIX}LANGUAGE: there is no folder templates/{language}, got {language!r}"
        )
    return [translation, TEMPLATES]


class FragmentCache:
    """Caches rendered fragments that are the same for all readers."""

    def __init__(self) -> None:
        self._fragments: dict[str, Markup] = {}

    def __call__(self, key: str, macro: Callable[..., Markup], *arguments: object) -> Markup:
        """Returns `macro(*arguments)`, rendered at the first call with this `key`."""
        if key not in self._fragments:
            self._fragments[key] = macro(*arguments)
        return self._fragments[key]


def recorded_request(experiment: Experiment, recording: Recording | None) -> RunRequest | None:
    """Returns the request that a recording was made with."""
    if recording is None:
        return None
    receipt = recording.receipt
    values = {"seed": receipt["seed"], "seeds": receipt["seeds"], **receipt["parameters"]}
    return experiment.parse(values)


def levels_json(request: RunRequest) -> str:
    """Returns a request's horizontal reference lines as JSON for the charts."""
    return json.dumps([asdict(level) for level in request.levels()])


def changed_settings(experiment: Experiment, request: RunRequest) -> str:
    """Returns the parameters that differ from their defaults, as text for an exported picture."""
    changed = experiment.changed(request)
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in changed.items()
    )


def final_values(experiment: Experiment, measured: Measurements, arm: Arm) -> list[str]:
    """Returns an arm's final values as text, each a median over seeds; empty if none has ended."""
    finals = {m.id: measured.final_values(arm.id, m.id).values() for m in experiment.metrics}
    if not any(finals.values()):
        return []
    return [
        (f"{median(values):.1%}" if metric.share else f"{median(values):.4g}") if values else "–"
        for metric, values in zip(experiment.metrics, finals.values(), strict=True)
    ]


def backticks_to_code(text: str) -> Markup:
    """Jinja filter: converts `backticks` to <code> elements and escapes the rest."""
    code = Markup("<code>{}</code>")
    parts = text.split("`")
    return Markup().join(
        code.format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )
