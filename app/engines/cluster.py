"""Joins a Ray cluster, or starts a local Ray, and leaves or ends it again."""

import asyncio
import logging
import os
import secrets
import signal
import socket
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import ray

from app.errors import CannotTrain
from app.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

# Longest wait for a connection to the cluster's head.
CONNECT_SECONDS = 3.0
# Events are small and travel in messages, so that the object store stays empty. Ray's default is a
# third of the memory; this is close to the minimum that it accepts.
OBJECT_STORE_BYTES = 80_000_000


class ClusterMembership:
    """This process's connection to a cluster, or to a local Ray that it started.

    Ray is called in a thread of its own: `ray.init` blocks, and the processes that it starts end
    with that thread, so that a failed attempt leaves none behind.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ray")
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._started_here = False

    async def join(self) -> None:
        """Joins the cluster, or starts a local Ray. Raises CannotTrain and logs the reason."""
        address = self._settings.ray_address
        try:
            await self.run_blocking(self._join)
            _restore_sigterm_handler()
        except Exception as error:  # Ray raises many types, `Exception` itself among them
            log.error("ray.init: %s", error)
            what = (
                f"the Ray cluster at {address!r} can't be joined" if address else "Ray can't start"
            )
            raise CannotTrain(f"{what}; the log says why") from None

    async def leave(self) -> None:
        """Leaves the cluster, or ends the local Ray and waits for its processes."""
        await self.run_blocking(self._leave)
        self._thread.shutdown()

    async def run_blocking(self, function: Callable[[], T]) -> T:
        """Runs a blocking function in Ray's thread, one after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def _join(self) -> None:
        try:
            self._init()
        except SystemExit:  # Ray exits when the cluster does not answer
            raise ConnectionError("the cluster does not answer") from None

    def _init(self) -> None:
        if self._settings.ray_address not in ("", "auto"):
            _check_reachable(self._settings.ray_address)
        if ray.is_initialized():  # by another user in this process, who also ends it
            return
        logging.getLogger("ray").setLevel(logging.ERROR)
        # Must be set before torch is imported; else results depend on the number of processors.
        one_thread = {"env_vars": {"OMP_NUM_THREADS": "1"}}
        if self._settings.ray_address:
            ray.init(
                self._settings.ray_address,
                configure_logging=False,
                log_to_driver=False,
                runtime_env=one_thread,
            )
        else:
            # Without it, Ray writes a token into the user's home, where others can read it.
            os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
            self._folder = tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True)
            ray.init(
                "local",
                num_cpus=self._settings.workers,
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                configure_logging=False,
                log_to_driver=False,
                runtime_env=one_thread,
                _temp_dir=self._folder.name,
            )
        self._started_here = True

    def _leave(self) -> None:
        if self._started_here:
            ray.shutdown()
            self._started_here = False
        if self._folder:
            self._folder.cleanup()


def _check_reachable(address: str) -> None:
    """Raises OSError if no server listens; `ray.init` would retry for 3 minutes (measured)."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS):
        pass


def _restore_sigterm_handler() -> None:
    """Restores Python's SIGTERM handler, which Ray's core replaces by one that aborts."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
