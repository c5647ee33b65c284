import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from app import resources
from tests.support.processes import ROOT


def test_in_a_checkout_the_folders_lie_beside_the_package(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    assert resources.folder("static", tmp_path / "app") == tmp_path / "static"


def test_in_a_wheel_they_lie_inside_it(tmp_path: Path) -> None:
    inside = tmp_path / "app" / "static"
    inside.mkdir(parents=True)
    (tmp_path / "static").mkdir()  # some other package's
    assert resources.folder("static", tmp_path / "app") == inside


def files(folder: str, place: str) -> set[str]:
    """The names that a folder's files have in the wheel."""
    return {
        f"{place}/{path.relative_to(ROOT / folder).as_posix()}"
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_a_wheel_has_every_file(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    build = (sys.executable, "-m", "hatchling", "build", "--target", "wheel")
    subprocess.run((*build, "--directory", str(tmp_path)), cwd=ROOT, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if not name.split("/")[0].endswith("-info")}
        scripts = archive.read(next(n for n in archive.namelist() if n.endswith("points.txt")))
    ours = files("app", "app")
    assert "app/data/mnist/t10k-labels-idx1-ubyte.gz" in ours
    assert found == ours | files("static", "app/static") | files("templates", "app/templates")
    assert b"batchnorm-article = app.__main__:main" in scripts
