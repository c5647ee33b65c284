"""Installs system packages that tests need."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def machine_lock(name: str) -> Iterator[None]:
    """Holds a lock across all processes of this machine, since tests run in several."""
    try:
        import fcntl
    except ImportError:  # Windows, where nothing is installed either
        yield
        return
    with (Path(tempfile.gettempdir()) / f"batchnorm-tests-{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def apt_install(package: str) -> bool:
    """Installs a package with apt-get, as root. Returns whether it succeeded."""
    if not (hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")):
        return False
    return succeeds("apt-get", "update", "--quiet") and succeeds(
        "apt-get", "install", "--quiet", "--yes", "--no-install-recommends", package
    )


def succeeds(*command: str) -> bool:
    """Runs a command without prompts and returns whether it succeeded."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, check=False).returncode == 0
