"""Runs the Nu HTML Checker, a Java program from npm, on pages and style sheets."""

import json
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.support.packages import machine_lock

PACKAGE = "vnu-jar@26.9.27"
CACHE_FOLDER = Path(tempfile.gettempdir()) / f"batchnorm-tests-{PACKAGE}"
JAR = CACHE_FOLDER / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"

# htmx's attributes are not HTML but are allowed here. The checker can't resolve 'self' in a content
# policy because a file has no origin.
FINE = re.compile(r"Attribute “hx-[a-z-]+” not allowed on element|Resource violates Content Secur")
# SVG properties and recent CSS properties that the checker does not support.
UNSUPPORTED_CSS = re.compile(
    r"“(vector-effect|paint-order|r|scroll-target-group)”: Property|:target-current”$"
)


@cache
def checker_jar() -> Path:
    """Returns the checker's jar, installed at the first call. Skips the test if it can't be."""
    if shutil.which("java") is None:
        pytest.skip("There is no Java here, in which the Nu HTML Checker runs.")
    with machine_lock("vnu"):
        if not JAR.exists():
            npm = shutil.which("npm")
            if npm is None:
                pytest.skip("There is no npm here, by which the Nu HTML Checker comes.")
            # The package contains the jar; its install script would look for a newer one.
            options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(CACHE_FOLDER)]
            done = subprocess.run(
                [npm, "install", *options, PACKAGE], capture_output=True, text=True, check=False
            )
            if done.returncode != 0 or not JAR.exists():
                pytest.skip(f"npm could not bring the Nu HTML Checker: {done.stderr.strip()}")
    return JAR


def validation_errors(files: list[Path]) -> list[str]:
    """Returns a line for each error and warning in these pages, drawings and style sheets."""
    options = ["--stdout", "--exit-zero-always", "--format", "json", "--also-check-css"]
    command = ["java", "-jar", str(checker_jar()), *options, "--also-check-svg", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [
        f"{Path(found['url']).name}:{found.get('lastLine')}: {found['message']}"
        f" | {found.get('extract', '')[:120]!r}"
        for found in json.loads(done.stdout)["messages"]
        if not (FINE.match(found["message"]) or UNSUPPORTED_CSS.search(found["message"]))
    ]
