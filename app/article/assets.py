"""Static files under an address that changes with their content, so that caches may keep them."""

import hashlib
from pathlib import Path

from app.settings import ENGLISH

FOLDER = Path(__file__).parents[2] / "static"
SCRIPTS = FOLDER / "js"
# Modules that no page needs at first: what draws a run waits until the reader comes near, and what
# takes it away until somebody wants to.
DRAWING = (
    "axes bins chart-lines charts curve-names frame histogram scrubber series shades strokes "
    "summary surface told"
)
TAKING_AWAY = "chart-data picture printing shown themes vector"
# What draws the pictures that stand still: no page needs it.
RECORDING = "standalone stills"
# Scripts that are no modules: they run before the page is there.
CLASSIC = frozenset({"fallback.js", "theme.js"})
ON_DEMAND = frozenset(f"{name}.js" for name in f"{DRAWING} {TAKING_AWAY} {RECORDING}".split())


def version_of(folder: Path = FOLDER) -> str:
    """A short hash over all files in `folder`. It stands in the path, not in a query, so that
    modules which import each other by relative address get it too.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def modules(folder: Path = SCRIPTS, language: str = ENGLISH) -> list[str]:
    """The scripts that a page needs, so that it may ask for them at once and not in a chain.

    Of the words, those of its language, and the English ones, which stand in for any other.
    """
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.js"))
    spoken = {f"words/{ENGLISH}.js", f"words/{language}.js"}
    foreign = {name for name in names if name.startswith("words/")} - spoken
    left_out = {*CLASSIC, *ON_DEMAND, *foreign}
    return [name for name in names if name not in left_out]


def translated_words(language: str, folder: Path = SCRIPTS) -> str | None:
    """The script that puts a language's words in the place of English ones; None without one."""
    name = f"words/{language}.js"
    return name if language != ENGLISH and (folder / name).is_file() else None
