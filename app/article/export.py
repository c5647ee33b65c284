"""A folder of files, written whole or not at all; what is not ours in its place is left alone."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.errors import ExportRefused

# Lists what was written, by which a former export is known again.
MANIFEST = "export.json"
MADE_BY = "python -m app export"


@dataclass(frozen=True, slots=True)
class Written:
    """How much was written; `size` in bytes."""

    files: int
    size: int


def write(folder: Path, files: Iterable[tuple[str, bytes]]) -> Written:
    """Writes (relative path, content) pairs to `folder`: new, empty, or a former export as it was.

    They are gathered in a sibling and take their place by a rename, so that an export which was
    interrupted is not there. Raises ExportRefused; nothing has changed then.
    """
    target = folder.resolve()
    try:
        _check(target, folder)
        partial = _sibling(target, "partial")
        partial.mkdir()
        try:
            written = _fill(partial, files)
            _put_in_place(partial, target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise ExportRefused(f"can't write {folder}: {error.strerror}") from None
    return written


def _check(target: Path, folder: Path) -> None:
    if not target.parent.is_dir():
        raise ExportRefused(f"can't write {folder}: there is no folder {target.parent}")
    if not target.exists():
        return
    if not target.is_dir():
        raise ExportRefused(f"can't write {folder}: it is no folder")
    if Path.cwd().is_relative_to(target):
        raise ExportRefused(f"can't write {folder}: it is the current folder, or around it")
    if not any(target.iterdir()):
        return
    ours = _manifest(target)
    if ours is None:
        raise ExportRefused(f"{folder} is neither empty nor a former export. Name a new folder.")
    for path in _leaves(target):
        name = path.relative_to(target).as_posix()
        if name != MANIFEST and not (name in ours and ours[name] == _digest_of(path)):
            raise ExportRefused(
                f"{folder} is a former export, but its {name} was added or changed since. "
                "Name a new folder."
            )


def _manifest(folder: Path) -> dict[str, object] | None:
    """Path → digest of what a former export wrote there; None if the folder is no such."""
    try:
        document = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict) or document.get("made_by") != MADE_BY:
        return None
    files = document.get("files")
    return files if isinstance(files, dict) else None


def _leaves(folder: Path) -> Iterable[Path]:
    """All that would be lost with the folder: its files, its links, its empty folders."""
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        yield from (Path(place) / name for name in [*files, *links])
        if not folders and not files:
            yield Path(place)


def _digest_of(path: Path) -> str | None:
    """None for what is no plain file of the folder's own."""
    if path.is_symlink() or not path.is_file():
        return None
    return _digest(path.read_bytes())


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _fill(folder: Path, files: Iterable[tuple[str, bytes]]) -> Written:
    digests: dict[str, str] = {}
    size = 0
    for name, content in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digests[name] = _digest(content)
        size += len(content)
    manifest = json.dumps({"made_by": MADE_BY, "files": digests}, indent=1) + "\n"
    (folder / MANIFEST).write_text(manifest, encoding="utf-8", newline="\n")
    return Written(files=len(digests) + 1, size=size + len(manifest.encode()))


def _put_in_place(partial: Path, target: Path) -> None:
    if not target.exists():
        partial.rename(target)
        return
    former = _sibling(target, "former")
    target.rename(former)
    try:
        partial.rename(target)
    except OSError:
        former.rename(target)
        raise
    shutil.rmtree(former)


def _sibling(target: Path, what: str) -> Path:
    return target.with_name(f".{target.name}.{what}-{os.getpid()}")
