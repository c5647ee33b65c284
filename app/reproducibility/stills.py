"""Stills: SVG pictures of each view of a recorded run and of each widget.

`python -m app record` draws them (app/article/still_recorder.py). The page shows them until the
scripts have drawn a view, without scripts, and in print.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from app.reproducibility.recordings import FOLDER as RECORDINGS

FOLDER = RECORDINGS / "stills"
INDEX = "index.json"


@dataclass(frozen=True, slots=True)
class Still:
    """One picture: its file's name, size in pixels, and text alternative.

    For a chart, `values` maps each arm to the last value of its line as text, and `at` names their
    step. For a widget, `label` is the caption of the stage.
    """

    file: str
    width: int
    height: int
    alt: str
    at: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    label: str = ""


@dataclass(frozen=True, slots=True)
class Stills:
    """All pictures, by the slug of an experiment or the name of a widget, then by view or stage."""

    pictures: Mapping[str, Mapping[str, Still]]

    def find(self, slug: str, view: str) -> Still | None:
        """The picture of one view; None if there is none."""
        return self.pictures.get(slug, {}).get(view)

    def for_widget(self, widget: str) -> Iterable[Still]:
        """The pictures of a widget's stages, in order."""
        return self.pictures.get(widget, {}).values()

    def updated_with(self, newer: Self) -> "Stills":
        """A copy in which the pictures of `newer` replace all of the same slug or widget."""
        return Stills(dict(sorted({**self.pictures, **newer.pictures}.items())))


def load(folder: Path = FOLDER) -> Stills:
    """Loads the recorded pictures; empty if the folder has no index."""
    path = folder / INDEX
    if not path.exists():
        return Stills({})
    document = json.loads(path.read_text(encoding="utf-8"))
    return Stills(
        {
            slug: {name: Still(**still) for name, still in pictures.items()}
            for slug, pictures in document.items()
        }
    )


def save(stills: Stills, drawings: Mapping[str, str], folder: Path = FOLDER) -> None:
    """Adds `stills` to the index of `folder` and writes `drawings`, which map file names to SVG.

    Removes the files that are no longer in the index.
    """
    folder.mkdir(exist_ok=True)
    former = load(folder)
    kept = former.updated_with(stills)
    files = {still.file for pictures in kept.pictures.values() for still in pictures.values()}
    for pictures in former.pictures.values():
        for still in pictures.values():
            if still.file not in files:
                (folder / still.file).unlink(missing_ok=True)
    for name, text in drawings.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
    document = {
        slug: {name: asdict(still) for name, still in pictures.items()}
        for slug, pictures in kept.pictures.items()
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    (folder / INDEX).write_text(text, encoding="utf-8", newline="\n")
