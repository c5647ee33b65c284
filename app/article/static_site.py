"""Generates the article as a static site with relative URLs."""

import json
from collections.abc import Iterator

from app.article.assets import STATIC_FOLDER, content_version
from app.article.editions import STATIC_EDITION
from app.article.renderer import PageRenderer
from app.errors import RecordingNotFound
from app.experiments import EXPERIMENTS
from app.reproducibility.recordings import Recording, load


def site_files(language: str) -> Iterator[tuple[str, bytes]]:
    """Yields (relative path, content) of each file, index.html last.

    Raises RecordingNotFound and InvalidSettings.
    """
    recorded = {slug: _load_recording(slug) for slug in EXPERIMENTS}
    asset_root = f"static/{content_version()}"
    for path in sorted(STATIC_FOLDER.rglob("*")):
        if path.is_file():
            yield f"{asset_root}/{path.relative_to(STATIC_FOLDER).as_posix()}", path.read_bytes()
    for slug, recording in recorded.items():
        measured = recording.measurements([arm.id for arm in EXPERIMENTS[slug].arms])
        yield f"runs/{recording.file_name}.csv", measured.csv().encode()
        yield f"runs/{recording.file_name}.json", _receipt_json(recording).encode()
    pages = PageRenderer(asset_root, comments=False, edition=STATIC_EDITION, language=language)
    yield "references.bib", pages.bibliography.encode()
    yield "index.html", pages.article(reader="").encode()


def _load_recording(slug: str) -> Recording:
    recording = load(slug)
    if recording is None:
        raise RecordingNotFound(f"no run of {slug} is recorded: python -m app record {slug}")
    return recording


def _receipt_json(recording: Recording) -> str:
    return json.dumps(recording.receipt, indent=1) + "\n"
