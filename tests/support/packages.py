"""Programs that tests need and that the system's own packages have."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """The body runs in one of this machine's processes at a time: tests run in several."""
    try:
        import fcntl
    except ImportError:  # Windows, where nothing is installed either
        yield
        return
    with (Path(tempfile.gettempdir()) / f"batchnorm-tests-{what}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(package: str) -> bool:
    """Installs a package where that is ours to do: as root, on Debian and its kin."""
    if not (hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")):
        return False
    return runs("apt-get", "update", "--quiet") and runs(
        "apt-get", "install", "--quiet", "--yes", "--no-install-recommends", package
    )


def runs(*command: str) -> bool:
    """Whether a command succeeds; it may not ask anybody anything."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, env=environment, check=False).returncode == 0
