"""The article as plain files, for any place that can keep them: relative addresses, no server."""

import json
from collections.abc import Iterator

from app.article.assets import FOLDER, version_of
from app.article.editions import PLAIN_FILES
from app.article.renderer import Pages
from app.errors import RecordingNotFound
from app.experiments import EXPERIMENTS
from app.reproducibility.recordings import Recording, load


def files(language: str) -> Iterator[tuple[str, bytes]]:
    """(relative path, content) of each file, the page last. Raises RecordingNotFound
    and InvalidSettings.
    """
    recorded = {slug: _recorded(slug) for slug in EXPERIMENTS}
    asset_root = f"static/{version_of()}"
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            yield f"{asset_root}/{path.relative_to(FOLDER).as_posix()}", path.read_bytes()
    for slug, recording in recorded.items():
        measured = recording.measurements([arm.id for arm in EXPERIMENTS[slug].arms])
        yield f"runs/{recording.file_name}.csv", measured.csv().encode()
        yield f"runs/{recording.file_name}.json", _text(recording).encode()
    pages = Pages(asset_root, comments=False, edition=PLAIN_FILES, language=language)
    yield "references.bib", pages.bibliography.encode()
    yield "index.html", pages.article(reader="").encode()


def _recorded(slug: str) -> Recording:
    recording = load(slug)
    if recording is None:
        raise RecordingNotFound(f"no run of {slug} is recorded: python -m app record {slug}")
    return recording


def _text(recording: Recording) -> str:
    return json.dumps(recording.receipt, indent=1) + "\n"
