"""The tests of scripts that need no browser: *.test.js here, each beside the name of its script.

To run one alone: node --test tests/js/maths/statistics.test.js
"""

import subprocess
from pathlib import Path

import pytest

from tests.support.node import find_node
from tests.support.processes import ROOT

TESTS = sorted(Path(__file__).parent.rglob("*.test.js"))


def test_the_scripts_pass_their_tests() -> None:
    assert TESTS
    done = subprocess.run(
        [find_node(), "--test", "--test-reporter=spec", *map(str, TESTS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)


def test_every_test_mirrors_a_script() -> None:
    """So that whoever changes static/js/x.js knows to look at tests/js/x.test.js."""
    scripts = [path.relative_to(Path(__file__).parent) for path in TESTS]
    names = [path.with_name(path.name.replace(".test.js", ".js")) for path in scripts]
    assert [name for name in names if not (ROOT / "static" / "js" / name).exists()] == []
