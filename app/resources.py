"""Where the files are that are no Python: templates, static files and the data set.

In a checkout, `static/` and `templates/` lie beside the package; in a wheel, inside it.
"""

from pathlib import Path

PACKAGE = Path(__file__).parent


def folder(name: str, package: Path = PACKAGE) -> Path:
    """The folder of that name inside the package if it is installed there, otherwise beside it."""
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


STATIC = folder("static")
TEMPLATES = folder("templates")
MNIST = PACKAGE / "data" / "mnist"
