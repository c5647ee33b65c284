"""The engines by the name that the setting `engine` has."""

import sys
from collections.abc import Callable

from app.engines.base import Engine
from app.engines.inline import InlineEngine
from app.engines.workers import WorkersEngine
from app.errors import InvalidSettings
from app.settings import Settings


def _create_workers_engine(settings: Settings) -> Engine:
    if sys.platform == "win32":
        raise InvalidSettings(
            "BATCHNORM_ENGINE: 'workers' hands a socket to each process as a file, which Windows "
            "can't; set it to 'inline', or start the server in WSL"
        )
    return WorkersEngine(settings)


def _create_ray_engine(settings: Settings) -> Engine:
    # Imported only when it is used: ray is an extra, and its import takes a second.
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
    "workers": _create_workers_engine,
    "inline": InlineEngine,
    "ray": _create_ray_engine,
}


def create_engine(settings: Settings) -> Engine:
    """Creates the engine that the settings name. Raises InvalidSettings."""
    return ENGINES[settings.engine](settings)
