"""Renders the article and the fragments of its figures from templates."""

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
from app.article.assets import modules, translated_words
from app.article.citations import Citations
from app.article.editions import SERVED, Edition
from app.article.figure_links import Asked
from app.article.mathml import Maths
from app.article.reading import curve_of
from app.article.references import ARTICLE
from app.comments import MAX_NAME, MAX_TEXT, Comment
from app.drawings.networks import draw_network
from app.drawings.sweep_grids import against_map, draw_sweep, edges_of
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

# The relative address of the article, from a page beside it.
HERE = "./"


class Compiled(BytecodeCache):
    """What templates compile to, for all applications of this process."""

    def __init__(self) -> None:
        self._bytecode: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bytecode = self._bytecode.get((bucket.key, bucket.checksum))
        if bytecode is not None:
            bucket.bytecode_from_string(bytecode)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._bytecode[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


COMPILED = Compiled()


class Pages:
    """Renders templates. Everything that doesn't change while the server lives is read once."""

    def __init__(
        self,
        asset_root: str,
        *,
        comments: bool,
        edition: Edition = SERVED,
        language: str = ENGLISH,
        public_url: str = "",
    ) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_folders(language)),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            extensions=[Maths],
            trim_blocks=True,
            lstrip_blocks=True,
            bytecode_cache=COMPILED,
        )
        self._environment.filters["coded"] = coded
        recorded = {slug: recordings.load(slug) for slug in EXPERIMENTS}
        self._environment.globals |= {
            "article": ARTICLE,
            "asset_root": asset_root,
            "comments_bounds": (MAX_NAME, MAX_TEXT) if comments else None,
            "edition": edition,
            "experiments": EXPERIMENTS,
            "language": language,
            "curve_of": curve_of,
            "recordings": recorded,
            "settings_of": settings_of,
            "requests": {
                slug: recorded_request(EXPERIMENTS[slug], recorded[slug]) for slug in recorded
            },
            "draw_network": draw_network,
            "modules": modules(language=language),
            "translated_words": translated_words(language),
            "draw_sweep": draw_sweep,
            "edges_of": edges_of,
            "against_map": against_map,
            "stills": stills.load(),
            "sweeps": {slug: recorded_sweeps.load(slug) for slug in EXPERIMENTS},
            "final_values": final_values,
            "levels_of": levels_of,
            "parameter_count": parameter_count,
            "public_url": public_url,
            "once": Once(),
            "new_key": lambda: secrets.token_urlsafe(12),
        }
        # Compiles all templates now (0.6 s, measured), not while the first reader waits; and a
        # citation of nothing stops the start.
        citations = Citations()
        self._article("", citations)
        self.bibliography = citations.bibtex()
        self.teaching = self._render("teaching.html", root=HERE, lessons=lessons)

    def article(
        self,
        reader: str,
        *,
        root: str = HERE,
        opened: Run | None = None,
        followed: Asked | None = None,
    ) -> str:
        """The whole page; the figure of a run that is `opened` shows it, that of a link that was
        `followed` has its settings filled in.
        """
        return self._article(reader, Citations(), root, opened, followed)

    def _article(
        self,
        reader: str,
        citations: Citations,
        root: str = HERE,
        opened: Run | None = None,
        followed: Asked | None = None,
    ) -> str:
        return self._render(
            "article.html",
            root=root,
            reader=reader,
            citations=citations,
            opened=opened,
            followed=followed,
        )

    def panel(self, run: Run, reader: str, *, root: str = HERE) -> str:
        """A figure's controls and state, for htmx to put in place of the old ones."""
        return self._render(
            "panel.html", root=root, experiment=run.experiment, run=run, asked=None, reader=reader
        )

    def comments(
        self,
        shown: Sequence[Comment],
        total: int,
        *,
        root: str = HERE,
        name: str = "",
        new: Comment | None = None,
    ) -> str:
        """The comments and a fresh form, for htmx; `new` is the one that the reader just wrote."""
        return self._render(
            "comments.html", root=root, shown=shown, total=total, name=name, new=new
        )

    def comments_page(self, shown: Sequence[Comment], total: int) -> str:
        """The same as a page of its own, for readers without scripts."""
        return self._render(
            "comments-page.html", root=HERE, shown=shown, total=total, name="", new=None
        )

    def problem(self, root: str, problem: dict[str, Any]) -> str:
        """A problem document as a page; `root` leads from there to the article."""
        return self._render("problem.html", root=root, problem=problem)

    def _render(self, name: str, /, **context: Any) -> str:
        return self._environment.get_template(name).render(context)


# Nothing of it is one application's, and it takes 0.4 s.
shared = cache(Pages)


def _folders(language: str) -> list[Path]:
    """Where templates are looked for: what a translation lacks is there in English.

    Raises InvalidSettings where there is no translation.
    """
    if language == ENGLISH:
        return [TEMPLATES]
    translation = TEMPLATES / language
    if not translation.is_dir():
        raise InvalidSettings(
            f"{PREFIX}LANGUAGE: there is no folder templates/{language}, got {language!r}"
        )
    return [translation, TEMPLATES]


class Once:
    """A part of the page that is the same for all readers, rendered for the first one."""

    def __init__(self) -> None:
        self._parts: dict[str, Markup] = {}

    def __call__(self, key: str, macro: Callable[..., Markup], *arguments: object) -> Markup:
        """What the macro makes of the arguments; later calls with the same `key` repeat it."""
        if key not in self._parts:
            self._parts[key] = macro(*arguments)
        return self._parts[key]


def recorded_request(experiment: Experiment, recording: Recording | None) -> RunRequest | None:
    """What was asked for when the recording was made."""
    if recording is None:
        return None
    receipt = recording.receipt
    asked = {"seed": receipt["seed"], "seeds": receipt["seeds"], **receipt["parameters"]}
    return experiment.parse(asked)


def levels_of(request: RunRequest) -> str:
    """The lines that a request draws across the charts, as JSON for the script."""
    return json.dumps([asdict(level) for level in request.levels()])


def settings_of(experiment: Experiment, request: RunRequest) -> str:
    """The parameters that are not at their defaults, in words, for a picture's source."""
    changed = experiment.changed(request)
    return ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in changed.items()
    )


def final_values(experiment: Experiment, measured: Measurements, arm: Arm) -> list[str]:
    """An arm's last values in words, the median over the seeds; empty if none has ended."""
    finals = {m.id: measured.final_values(arm.id, m.id).values() for m in experiment.metrics}
    if not any(finals.values()):
        return []
    return [
        (f"{median(values):.1%}" if metric.share else f"{median(values):.4g}") if values else "–"
        for metric, values in zip(experiment.metrics, finals.values(), strict=True)
    ]


def coded(text: str) -> Markup:
    """Text with its `backticks` as code."""
    code = Markup("<code>{}</code>")
    parts = text.split("`")
    return Markup().join(
        code.format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )
