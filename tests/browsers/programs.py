"""The programs of three browser engines, installed where that is possible, else asked for."""

import shutil
from pathlib import Path

from tests.support.packages import apt_install, machine_lock

# Program → the Debian package that has it.
PACKAGES = {
    "firefox-esr": "firefox-esr",
    "WebKitWebDriver": "webkit2gtk-driver",
    "Xvfb": "xvfb",
}
# Ubuntu's package firefox-esr does not exist, and elsewhere the program has the short name.
OTHER_NAMES = {"firefox-esr": "firefox"}


class MissingProgram(Exception):
    """A program is not installed and can't be: one line that says what to do."""


def find_program(name: str) -> Path:
    """The path of an installed program; installs its package as root on Debian.

    Raises MissingProgram.
    """
    with machine_lock(name):
        found = _which(name) or (_which(name) if apt_install(PACKAGES[name]) else None)
    if found is None:
        raise MissingProgram(
            f"The tests in three browser engines need {name}, which is not installed and could "
            f"not be installed: run `apt-get install {PACKAGES[name]}` as root, then run the "
            "tests again."
        )
    return found


def _which(name: str) -> Path | None:
    found = shutil.which(name) or shutil.which(OTHER_NAMES.get(name, name))
    return Path(found) if found else None
