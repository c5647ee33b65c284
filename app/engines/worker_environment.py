"""The environment variables that a worker process starts with."""

import os
import sys

# One thread per training. The allocator keeps the memory that torch frees, since requesting it from
# the system again took 6 % of a training (bench/NOTES.md).
SETTINGS = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**28),
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_TOP_PAD_": str(2**26),
}


def worker_environment() -> dict[str, str]:
    """The server's own environment with `SETTINGS`, and with the path of its modules.

    So a worker imports what the server does, even if the current folder has another `app`.
    """
    modules = os.pathsep.join(map(os.path.abspath, sys.path))
    return os.environ | SETTINGS | {"PYTHONPATH": modules, "PYTHONSAFEPATH": "1"}
