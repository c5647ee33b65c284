"""Static files under an address that changes with their content, so that caches may keep them."""

import hashlib
from pathlib import Path

from app.resources import STATIC
from app.settings import ENGLISH

FOLDER = STATIC
SCRIPTS = FOLDER / "js"
# Rooms whose modules are loaded on demand: what draws a run waits until the reader comes near, and
# what takes it away until somebody wants to.
ON_DEMAND = ("charts/", "export/")
# Scripts that are no modules: they run before the page is there.
CLASSIC = frozenset({"fallback.js", "theme.js"})
WORDS = "text/words/"


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
    spoken = {f"{WORDS}{ENGLISH}.js", f"{WORDS}{language}.js"}
    return [
        name
        for name in names
        if name not in CLASSIC
        and not name.startswith(ON_DEMAND)
        and (not name.startswith(WORDS) or name in spoken)
    ]


def translated_words(language: str, folder: Path = SCRIPTS) -> str | None:
    """The script that puts a language's words in the place of English ones; None without one."""
    name = f"{WORDS}{language}.js"
    return name if language != ENGLISH and (folder / name).is_file() else None
