"""Which engine a setting names."""

from collections.abc import Callable

from app.engines.base import Engine
from app.engines.inline import InlineEngine
from app.engines.workers import WorkersEngine
from app.settings import Settings

ENGINES: dict[str, Callable[[Settings], Engine]] = {
    "workers": WorkersEngine,
    "inline": InlineEngine,
}


def engine_for(settings: Settings) -> Engine:
    """The engine that the settings name, not yet started."""
    return ENGINES[settings.engine](settings)
