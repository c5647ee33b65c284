"""What the server says of itself, on stderr: text or one JSON object a line, each with its run."""

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal, TypeAlias

from pythonjsonlogger.json import JsonFormatter

Format: TypeAlias = Literal["text", "json"]

# What a line can be about; a field that does not apply is absent.
FIELDS = (
    *("run", "slug", "seed", "arm", "worker", "reference", "code", "traceback"),
    *("method", "path", "status", "ms"),
)

_about: ContextVar[Mapping[str, object]] = ContextVar("about", default=MappingProxyType({}))


def note(**fields: object) -> None:
    """From here on, what the running task logs is about that run, that worker, and so on."""
    _about.set({**_about.get(), **fields})


def start(form: Format) -> None:
    """From here on, this process logs in that form; so do other libraries, warnings included."""
    handler = logging.StreamHandler()
    handler.addFilter(add_what_it_is_about)
    handler.setFormatter(Json() if form == "json" else Text())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)


def add_what_it_is_about(record: logging.LogRecord) -> bool:
    """A filter that keeps every record, and gives it what its task has noted."""
    for name, value in _about.get().items():
        record.__dict__.setdefault(name, value)
    return True


class Text(logging.Formatter):
    """Time, level, logger, message and, in brackets, what it is about; a traceback follows."""

    def format(self, record: logging.LogRecord) -> str:
        """One record; several lines if there is a traceback, one otherwise."""
        about = {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        traceback = about.pop("traceback", None)
        if record.exc_info:
            traceback = self.formatException(record.exc_info)
        line = f"{_time(record)} {record.levelname} {record.name}: {record.getMessage()}"
        if about:
            line += f" [{' '.join(f'{name}={value}' for name, value in about.items())}]"
        return f"{line}\n{str(traceback).rstrip()}" if traceback else line


class Json(JsonFormatter):
    """time, level, logger, message, and of FIELDS those that apply; nothing else."""

    def __init__(self) -> None:
        ours = {"asctime": "time", "levelname": "level", "name": "logger", "exc_info": "traceback"}
        super().__init__(("asctime", "levelname", "name", "message"), rename_fields=ours)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """As in the text."""
        return _time(record)

    def process_log_record(self, log_data: dict[str, object]) -> dict[str, object]:
        """Leaves out what other libraries add to their records."""
        kept = {"time", "level", "logger", "message", *FIELDS}
        return {name: value for name, value in log_data.items() if name in kept}


def _time(record: logging.LogRecord) -> str:
    """UTC, to the millisecond (ISO 8601)."""
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
