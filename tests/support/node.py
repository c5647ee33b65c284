"""Node, which tests and checks the scripts: an installed one, else the one in Playwright's package.

`python -m tests.support.node` checks formatting, style and types. Its tools come from npm (`make
lint` installs them into node_modules); Playwright's Node brings no npm.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright._impl._driver import compute_driver_executable

from tests.support.processes import ROOT

OLDEST = 20
TOOLS = {
    "format and style": ["@biomejs/biome/bin/biome", "check", "--error-on-warnings"],
    "types": ["typescript/bin/tsc", "--project", "tsconfig.json"],
}


def find_node() -> str:
    """The installed Node if it is recent enough, else Playwright's."""
    installed = shutil.which("node")
    if installed and _version(installed) >= OLDEST:
        return installed
    return str(compute_driver_executable()[0])


def _version(node: str) -> int:
    """Its major version; 0 if it doesn't tell."""
    told = subprocess.run(
        [node, "--version"], capture_output=True, text=True, encoding="utf-8", check=False
    )
    found = re.match(r"v(\d+)\.", told.stdout)
    return int(found[1]) if found else 0


def check_scripts(modules: Path = ROOT / "node_modules") -> int:
    """Runs both tools; the first exit status that isn't 0, else 0."""
    if not modules.is_dir():
        print(
            f"Skipped for want of npm: {' and '.join(TOOLS)} of the scripts. "
            f"With Node {OLDEST} or later installed, `make lint` checks them.",
            file=sys.stderr,
        )
        return 0
    node = find_node()
    for tool, *arguments in TOOLS.values():
        done = subprocess.run([node, str(modules / tool), *arguments], cwd=ROOT, check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(check_scripts())
