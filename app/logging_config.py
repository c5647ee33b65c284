"""Logging on stderr as text or as one JSON object per line, with the run that a line concerns."""

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Literal, TypeAlias

from pythonjsonlogger.json import JsonFormatter

LogFormat: TypeAlias = Literal["text", "json"]

# The context fields of a log line; a field that does not apply is absent.
FIELDS = (
    *("run", "slug", "seed", "arm", "worker", "reference", "code", "traceback"),
    *("method", "path", "status", "ms"),
)

_bound_fields: ContextVar[Mapping[str, object]] = ContextVar("about", default=MappingProxyType({}))


def bind_fields(**fields: object) -> None:
    """Adds these fields to all later log lines of the current asyncio task."""
    _bound_fields.set({**_bound_fields.get(), **fields})


def configure(log_format: LogFormat) -> None:
    """Configures logging for this process, libraries and warnings included."""
    handler = logging.StreamHandler()
    handler.addFilter(add_bound_fields)
    handler.setFormatter(JsonLinesFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)


def add_bound_fields(record: logging.LogRecord) -> bool:
    """A logging filter that adds the task's fields to each record; it drops none."""
    for name, value in _bound_fields.get().items():
        record.__dict__.setdefault(name, value)
    return True


class TextFormatter(logging.Formatter):
    """Formats time, level, logger and message, then the fields in brackets and a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Formats a record in one line, followed by the lines of a traceback."""
        about = {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        traceback = about.pop("traceback", None)
        if record.exc_info:
            traceback = self.formatException(record.exc_info)
        line = f"{_timestamp(record)} {record.levelname} {record.name}: {record.getMessage()}"
        if about:
            line += f" [{' '.join(f'{name}={value}' for name, value in about.items())}]"
        return f"{line}\n{str(traceback).rstrip()}" if traceback else line


class JsonLinesFormatter(JsonFormatter):
    """Formats time, level, logger, message and the fields that apply as one JSON object."""

    def __init__(self) -> None:
        ours = {"asctime": "time", "levelname": "level", "name": "logger", "exc_info": "traceback"}
        super().__init__(("asctime", "levelname", "name", "message"), rename_fields=ours)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Formats the timestamp as the text format does."""
        return _timestamp(record)

    def process_log_record(self, log_data: dict[str, object]) -> dict[str, object]:
        """Removes the fields that other libraries add to their records."""
        kept = {"time", "level", "logger", "message", *FIELDS}
        return {name: value for name, value in log_data.items() if name in kept}


def _timestamp(record: logging.LogRecord) -> str:
    """The record's time in UTC, in milliseconds (ISO 8601)."""
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
