"""How this process joins a Ray cluster, or starts a Ray of its own, and leaves it again."""

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

from app.errors import Unusable
from app.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

# Longest wait for a cluster's head to take a connection.
REACH_SECONDS = 3.0
# Ray keeps nothing of ours in it: events are small, and small values travel in messages. Its own
# default is a third of the memory; this is near the least that it takes.
OBJECT_STORE_BYTES = 80_000_000


class Membership:
    """This process as a member of a cluster, or as the only user of a Ray that it started.

    It has a thread of its own: ray.init blocks, and what it starts ends with the thread that
    started it, so that an attempt that failed leaves nothing behind.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ray")
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._ours = False

    async def join(self) -> None:
        """Joins the cluster, or starts a Ray. Raises Unusable; the log says why."""
        address = self._settings.ray_address
        try:
            await self.run(self._join)
            _take_back_sigterm()
        except Exception as error:  # of many kinds, Exception itself among them
            log.error("ray.init: %s", error)
            what = (
                f"the Ray cluster at {address!r} can't be joined" if address else "Ray can't start"
            )
            raise Unusable(f"{what}; the log says why") from None

    async def leave(self) -> None:
        """Leaves, or ends the Ray that was started; returns when its processes are gone."""
        await self.run(self._leave)
        self._thread.shutdown()

    async def run(self, do: Callable[[], T]) -> T:
        """Does what blocks, one thing after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, do)

    def _join(self) -> None:
        try:
            self._init()
        except SystemExit:  # by which Ray gives up on a cluster that does not answer
            raise ConnectionError("the cluster does not answer") from None

    def _init(self) -> None:
        if self._settings.ray_address not in ("", "auto"):
            _reach(self._settings.ray_address)
        if ray.is_initialized():  # by somebody else in this process, who will also end it
            return
        logging.getLogger("ray").setLevel(logging.ERROR)
        # Before torch is imported, or the numbers depend on the number of processors.
        one_thread = {"env_vars": {"OMP_NUM_THREADS": "1"}}
        if self._settings.ray_address:
            ray.init(
                self._settings.ray_address,
                configure_logging=False,
                log_to_driver=False,
                runtime_env=one_thread,
            )
        else:
            # Or Ray writes a token into the user's home, which anybody on the machine may read.
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
        self._ours = True

    def _leave(self) -> None:
        if self._ours:
            ray.shutdown()
            self._ours = False
        if self._folder:
            self._folder.cleanup()


def _reach(address: str) -> None:
    """Raises OSError where nobody listens: ray.init would try for minutes (measured: 3)."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=REACH_SECONDS):
        pass


def _take_back_sigterm() -> None:
    """Ray's core has SIGTERM abort the process; whoever was to hear of it shall again."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
