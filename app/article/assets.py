"""Static files: the version in their URLs and the scripts that a page preloads."""

import hashlib
from pathlib import Path

from app.resources import STATIC
from app.settings import ENGLISH

STATIC_FOLDER = STATIC
SCRIPTS_FOLDER = STATIC_FOLDER / "js"
# Folders whose modules are imported on demand: charts when the reader scrolls near a figure, and
# export when the reader asks for it.
ON_DEMAND_FOLDERS = ("charts/", "export/")
# Classic scripts, which run before the page is parsed.
CLASSIC_SCRIPTS = frozenset({"fallback.js", "theme.js"})
WORDS = "text/words/"


def content_version(folder: Path = STATIC_FOLDER) -> str:
    """Returns a short hash of all files in `folder`.

    It is part of the path of URLs, not of their query, so that relative imports keep it.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def preloaded_modules(folder: Path = SCRIPTS_FOLDER, language: str = ENGLISH) -> list[str]:
    """Returns the modules that a page preloads, so that the browser need not discover its imports.

    Of the translations, these are the page's language and English, the fallback.
    """
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.js"))
    page_languages = {f"{WORDS}{ENGLISH}.js", f"{WORDS}{language}.js"}
    return [
        name
        for name in names
        if name not in CLASSIC_SCRIPTS
        and not name.startswith(ON_DEMAND_FOLDERS)
        and (not name.startswith(WORDS) or name in page_languages)
    ]


def translation_script(language: str, folder: Path = SCRIPTS_FOLDER) -> str | None:
    """Returns the script with a language's messages; None for English and without a translation."""
    name = f"{WORDS}{language}.js"
    return name if language != ENGLISH and (folder / name).is_file() else None
