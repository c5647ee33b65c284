"""Which engine a setting names."""

import sys
from collections.abc import Callable

from app.engines.base import Engine
from app.engines.inline import InlineEngine
from app.engines.workers import WorkersEngine
from app.errors import InvalidSettings
from app.settings import Settings


def _in_processes(settings: Settings) -> Engine:
    if sys.platform == "win32":
        raise InvalidSettings(
            "BATCHNORM_ENGINE: 'workers' hands a socket to each process as a file, which Windows "
            "can't; set it to 'inline', or start the server in WSL"
        )
    return WorkersEngine(settings)


def _on_ray(settings: Settings) -> Engine:
    # Imported where it is asked for alone: it is an extra, and its import takes a second.
    try:
        from app.engines.on_ray import RayEngine
    except ModuleNotFoundError as error:
        if error.name != "ray":
            raise
        raise InvalidSettings(
            "BATCHNORM_ENGINE: ray is not installed; pip install '.[ray]' does that"
        ) from None
    return RayEngine(settings)


ENGINES: dict[str, Callable[[Settings], Engine]] = {
    "workers": _in_processes,
    "inline": InlineEngine,
    "ray": _on_ray,
}


def engine_for(settings: Settings) -> Engine:
    """The engine that the settings name, not yet started. Raises InvalidSettings."""
    return ENGINES[settings.engine](settings)
