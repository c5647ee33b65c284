"""What the project asks of itself and no linter knows."""

import ast
import hashlib
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import app
from app.engines.base import Engine
from app.settings import PREFIX, Settings
from tests.support.processes import ROOT

MAX_LINES = 400
SOURCES = ("app", "tests", "bench", "templates", "static/js", "static/css")
TEXT = {
    *(".py", ".js", ".css", ".html", ".md", ".toml", ".txt", ".json", ".jsonc", ".svg", ".yml"),
    "",
}
VENDOR = ROOT / "static" / "vendor"


def sources() -> Iterator[Path]:
    """Files that people write."""
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".js", ".css", ".html"):
                yield path


def everything() -> Iterator[Path]:
    """All text files of the project, without what is made, vendored or data."""
    made = {
        ".git",
        ".venv",
        ".hypothesis",
        "node_modules",
        "__pycache__",
        "build",
        "dist",
        "test-results",
        "artefacts",
    }
    made |= {"vendor", "mnist"}
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part.endswith((".egg-info", "_cache")) for part in parts)
        if path.is_file() and not hidden and made.isdisjoint(parts) and path.suffix in TEXT:
            yield path


def documentation() -> Iterator[Path]:
    """What is written about the project."""
    yield from (ROOT / "README.md", ROOT / "CONTRIBUTING.md")
    yield from sorted((ROOT / "docs").rglob("*.md"))


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(app.__path__, "app."):
        if found.name not in ("app.__main__", "app.engines.worker"):
            yield importlib.import_module(found.name)


def test_no_file_is_longer_than_a_sitting() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources()
        if (lines := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert not long


def _opens_text_without_its_encoding(call: ast.Call) -> bool:
    named = {keyword.arg for keyword in call.keywords}
    modes = [each.value for each in call.args if isinstance(each, ast.Constant)]
    binary = any(
        isinstance(mode, str) and re.fullmatch("[rwax+]*b[rwax+]*", mode) for mode in modes
    )
    match call.func:
        case ast.Attribute(attr="read_text" | "write_text"):
            return "encoding" not in named
        case ast.Attribute(value=ast.Name(id="os" | "gzip"), attr="open"):
            return False
        case ast.Name(id="open") | ast.Attribute(attr="open" | "fdopen" | "NamedTemporaryFile"):
            return not binary and "encoding" not in named and bool(call.args)
        case ast.Attribute(attr="run" | "Popen" | "check_output" | "check_call"):
            return bool(named & {"text", "universal_newlines"}) and "encoding" not in named
        case _:
            return False


def test_every_text_file_is_opened_with_its_encoding() -> None:
    """Python's default is the locale's, in which no γ may exist."""
    guilty = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("app", "bench")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and _opens_text_without_its_encoding(node)
    ]
    assert guilty == []


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("script", r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/(ld\+)?json\")"),
        ("style", r"<style"),
        ("style attribute", r"<[^>]*\sstyle\s*="),
        ("event attribute", r"<[^>]*\son\w+\s*="),
        ("htmx event attribute", r"<[^>]*\shx-on"),
        ("javascript address", r"javascript:"),
        ("htmx script value", r"=\s*[\"']js:"),
    ],
)
def test_no_template_has_an_inline(what: str, pattern: str) -> None:
    templates = list((ROOT / "templates").rglob("*.html"))
    assert templates
    guilty = [
        path.name for path in templates if re.search(pattern, path.read_text(), re.IGNORECASE)
    ]
    assert not guilty, f"inline {what} in {guilty}"


def test_a_python_that_is_too_old_is_refused_in_one_line() -> None:
    """Those lines must be read by any Python; the first of them that can't go on says why."""
    source = (ROOT / "app" / "__init__.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 4))
    script = f"import sys; sys.version_info = (3, 9, 18); exec({source!r})"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("This needs Python 3.11 or later, and here is ")


def test_the_documentation_lists_every_setting() -> None:
    table = (ROOT / "docs" / "settings.md").read_text()
    settings = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert {name for name in settings if f"`{name}`" not in table} == set()
    documents = [path.read_text() for path in documentation()]
    named = {name for text in documents for name in re.findall(rf"{PREFIX}[A-Z_]*[A-Z]", text)}
    assert named <= settings


def test_every_file_and_page_that_the_documentation_names_is_there() -> None:
    """In backticks from the top of the project, in links from the page.

    `NAME` stands for any, and `de` for a translation that nobody has made.
    """
    missing = []
    for page in documentation():
        text = page.read_text()
        rooms = r"`((?:app|bench|docs|static|templates|tests|\.ci)/[\w./-]+)`"
        named = [
            ROOT / name for name in re.findall(rooms, text) if not re.search(r"NAME|/de\b", name)
        ]
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", text)
        found = [*named, *(page.parent / link for link in links)]
        missing += [f"{page.name}: {path}" for path in found if not path.exists()]
    assert missing == []


def test_the_map_has_every_module() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    (app_map,) = re.findall(r"^app/$.*?^templates/", text, re.MULTILINE | re.DOTALL)
    modules = [path for path in (ROOT / "app").rglob("*.py") if path.name != "__init__.py"]
    expected = [path.name for path in modules if path.parent.name != "catalogue"]
    assert sorted(re.findall(r"^ +(\w+\.py) ", app_map, re.MULTILINE)) == sorted(expected)


def test_the_readme_is_read_in_one_sitting() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_every_setting_has_its_line() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def checksums() -> dict[str, str]:
    lines = (VENDOR / "SHA384SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def test_every_vendored_file_is_the_one_that_was_checked() -> None:
    found = {
        str(path.relative_to(VENDOR)): hashlib.sha384(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "SHA384SUMS"
    }
    assert found
    assert found == checksums()


def test_every_vendored_library_carries_its_version_in_its_name() -> None:
    libraries = [name for name in checksums() if Path(name).suffix in (".js", ".css", ".woff2")]
    assert libraries
    assert [name for name in libraries if not re.search(r"\d+\.\d+", Path(name).name)] == []


def _has_no_docstring(module: ModuleType) -> Iterator[str]:
    """Public classes, functions and methods that say nothing, overrides apart."""
    for name, found in inspect.getmembers(module):
        if name.startswith("_") or getattr(found, "__module__", "") != module.__name__:
            continue
        if (inspect.isclass(found) or inspect.isfunction(found)) and not found.__doc__:
            yield f"{module.__name__}.{name}"
        if inspect.isclass(found):
            inherited = {name for base in found.__mro__[1:] for name in vars(base)}
            for member, value in vars(found).items():
                promised = member in inherited or member in vars(Engine)
                speaks = not inspect.isfunction(value) or value.__doc__
                if not member.startswith("_") and not promised and not speaks:
                    yield f"{module.__name__}.{name}.{member}"


def test_public_things_say_what_they_are() -> None:
    assert [name for module in modules() for name in _has_no_docstring(module)] == []


def test_every_module_says_what_it_is_for() -> None:
    files = [*(ROOT / "app").rglob("*.py")]
    assert [path for path in files if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    # Spelt in pieces, or this file would be the first to be found.
    hosts = [f"{a}.{b}" for a, b in [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org")]]
    telling = re.compile("|".join(map(re.escape, [*hosts, "index" + "-url", "/work" + "/"])))
    guilty = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in everything()
        if (found := telling.search(path.read_text(errors="replace")))
    ]
    assert not guilty


def test_the_constraints_pin_versions_and_nothing_else() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert pins
    assert [
        pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9_.-]+==[\w.!+]+( *;.*)?", pin)
    ] == []


def test_every_test_file_mirrors_a_file_of_the_app() -> None:
    """So that whoever changes `app/x.py` knows to look at `tests/test_x*.py`."""
    of_no_file = {"test_conventions.py", "test_words.py", "engines/test_contract.py"}
    astray = [
        name
        for test in (ROOT / "tests").rglob("test_*.py")
        if (name := test.relative_to(ROOT / "tests").as_posix()) not in of_no_file
        and not name.startswith(
            ("browser/", "browsers/", "js/", "bench/", "deployment/", "failures/")
        )
        and not any(_mirrored(name))
    ]
    assert astray == []


def _mirrored(name: str) -> Iterator[bool]:
    """For web/test_runs_stop.py: are there web/runs_stop.py, web/runs.py in the app?"""
    words = Path(name).stem.removeprefix("test_").split("_")
    for count in range(len(words), 0, -1):
        stem = "_".join(words[:count])
        yield (ROOT / "app" / Path(name).with_name(f"{stem}.py")).exists()
        yield (ROOT / "app" / Path(name).with_name(stem) / "__init__.py").exists()
