"""Pictures that stand still, as SVG files: of each view of a recorded run and of each widget.

`python -m app record` draws them (app/article/still_recorder.py). The page shows them until a view
is alive, without scripts, and on paper.
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
    """One picture: its file's name and size in pixels, and what it says in words.

    A chart's `values` are the last values of its lines, arm → text, and `at` the place where they
    stand; `label` is what stands below a widget's stage.
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
    """All pictures: an experiment's slug or a widget's name → name of a view or stage → picture."""

    pictures: Mapping[str, Mapping[str, Still]]

    def of(self, slug: str, view: str) -> Still | None:
        """The picture of one view; None where none was recorded yet."""
        return self.pictures.get(slug, {}).get(view)

    def stages(self, widget: str) -> Iterable[Still]:
        """The pictures of a widget, in their order; none where none were recorded yet."""
        return self.pictures.get(widget, {}).values()

    def renewed(self, newer: Self) -> "Stills":
        """These, with those of `newer` in place of all of the same slug or widget."""
        return Stills(dict(sorted({**self.pictures, **newer.pictures}.items())))


def load(folder: Path = FOLDER) -> Stills:
    """The pictures that were recorded; none of a folder without an index."""
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
    """Adds `stills` to the index of `folder`, with their files, file name → SVG text.

    Files of a slug or widget that its newer pictures no longer need are removed.
    """
    folder.mkdir(exist_ok=True)
    former = load(folder)
    kept = former.renewed(stills)
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
