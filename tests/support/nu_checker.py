"""The Nu HTML Checker, which npm brings and Java runs: what it finds in pages and style sheets."""

import json
import re
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.support.packages import one_at_a_time

PACKAGE = "vnu-jar@26.9.27"
CACHE = Path(tempfile.gettempdir()) / f"batchnorm-tests-{PACKAGE}"
JAR = CACHE / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"

# htmx's attributes are no HTML, and may be where they are. A file has no origin, as which the
# checker would need to know 'self' in a page's own content policy.
FINE = re.compile(r"Attribute “hx-[a-z-]+” not allowed on element|Resource violates Content Secur")
# Properties of SVG and newer ones of CSS that the checker does not know yet.
UNKNOWN_TO_THE_CHECKER = re.compile(
    r"“(vector-effect|paint-order|r|scroll-target-group)”: Property|:target-current”$"
)


@cache
def checker() -> Path:
    """The checker's jar, installed at the first call. Skips the test where that can't be done."""
    if shutil.which("java") is None:
        pytest.skip("There is no Java here, in which the Nu HTML Checker runs.")
    with one_at_a_time("vnu"):
        if not JAR.exists():
            npm = shutil.which("npm")
            if npm is None:
                pytest.skip("There is no npm here, by which the Nu HTML Checker comes.")
            # The jar is in the package; its script would look for a newer one.
            options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(CACHE)]
            done = subprocess.run(
                [npm, "install", *options, PACKAGE], capture_output=True, text=True, check=False
            )
            if done.returncode != 0 or not JAR.exists():
                pytest.skip(f"npm could not bring the Nu HTML Checker: {done.stderr.strip()}")
    return JAR


def complaints(files: list[Path]) -> list[str]:
    """Every error and warning in these pages, drawings and style sheets, a line for each."""
    options = ["--stdout", "--exit-zero-always", "--format", "json", "--also-check-css"]
    command = ["java", "-jar", str(checker()), *options, "--also-check-svg", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [
        f"{Path(found['url']).name}:{found.get('lastLine')}: {found['message']}"
        f" | {found.get('extract', '')[:120]!r}"
        for found in json.loads(done.stdout)["messages"]
        if not (FINE.match(found["message"]) or UNKNOWN_TO_THE_CHECKER.search(found["message"]))
    ]
