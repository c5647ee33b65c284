"""Writes a folder of files atomically and overwrites nothing but an unchanged former export."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.errors import ExportRefused

# The manifest lists the written files; it identifies a folder as a former export.
MANIFEST = "export.json"
MADE_BY = "python -m app export"


@dataclass(frozen=True, slots=True)
class ExportSize:
    """The number of files written and their total size in bytes."""

    files: int
    size: int


def write_export(folder: Path, files: Iterable[tuple[str, bytes]]) -> ExportSize:
    """Writes (relative path, content) pairs to `folder`.

    The folder must be new, empty, or an unchanged former export. The files are written to a sibling
    folder, which is then renamed, so that an interrupted export leaves nothing behind. Raises
    ExportRefused without changing anything.
    """
    target = folder.resolve()
    try:
        _check_target(target, folder)
        partial = _sibling(target, "partial")
        partial.mkdir()
        try:
            written = _write_files(partial, files)
            _replace_folder(partial, target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise ExportRefused(f"can't write {folder}: {error.strerror}") from None
    return written


def _check_target(target: Path, folder: Path) -> None:
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
    manifest = _read_manifest(target)
    if manifest is None:
        raise ExportRefused(f"{folder} is neither empty nor a former export. Name a new folder.")
    for path in _contents(target):
        name = path.relative_to(target).as_posix()
        if name != MANIFEST and not (name in manifest and manifest[name] == _file_digest(path)):
            raise ExportRefused(
                f"{folder} is a former export, but its {name} was added or changed since. "
                "Name a new folder."
            )


def _read_manifest(folder: Path) -> dict[str, object] | None:
    """Returns path → digest from a former export's manifest; None without a valid manifest."""
    try:
        document = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict) or document.get("made_by") != MADE_BY:
        return None
    files = document.get("files")
    return files if isinstance(files, dict) else None


def _contents(folder: Path) -> Iterable[Path]:
    """Yields the folder's files, symbolic links and empty folders, recursively."""
    for place, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        yield from (Path(place) / name for name in [*files, *links])
        if not folders and not files:
            yield Path(place)


def _file_digest(path: Path) -> str | None:
    """Returns a file's digest; None for symbolic links and folders."""
    if path.is_symlink() or not path.is_file():
        return None
    return _digest(path.read_bytes())


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _write_files(folder: Path, files: Iterable[tuple[str, bytes]]) -> ExportSize:
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
    return ExportSize(files=len(digests) + 1, size=size + len(manifest.encode()))


def _replace_folder(partial: Path, target: Path) -> None:
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


def _sibling(target: Path, purpose: str) -> Path:
    return target.with_name(f".{target.name}.{purpose}-{os.getpid()}")
