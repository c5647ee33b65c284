"""The settings, which are read from environment variables such as BATCHNORM_PORT."""

import os
import re
import secrets
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app import logging_config, machine
from app.errors import InvalidSettings
from app.resources import MNIST

PREFIX = "BATCHNORM_"
ENGLISH = "en"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


def _home_folder(variable: str) -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a container's user may have no entry in /etc/passwd
        raise InvalidSettings(
            f"{variable}: this user has no home folder, so that it must be set, or HOME"
        ) from None


def _default_cache_dir() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or _home_folder(f"{PREFIX}CACHE_DIR") / ".cache"
    return Path(cache) / "batchnorm"


def _default_store() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or _home_folder(f"{PREFIX}STORE") / ".local" / "share"
    return Path(data) / "batchnorm" / "batchnorm.db"


class Settings(BaseSettings):
    """All settings with their bounds; each field's description is its line in docs/settings.md."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    host: str = Field(
        "127.0.0.1", min_length=1, description="address to listen on; `0.0.0.0` or `::` for all"
    )
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    allowed_hosts: Annotated[frozenset[str], NoDecode] = Field(
        LOOPBACK,
        description="names a browser may use for this server, separated by commas; `*` for any",
    )
    root_path: str = Field(
        "",
        description="path below which a proxy serves the article, such as `/bn`",
    )
    public_url: str = Field(
        "",
        description="address that readers use where a proxy changes it, such as `https://a.example`",
    )
    trusted_proxies: Annotated[frozenset[str], NoDecode] = Field(
        frozenset({"127.0.0.1"}),
        description="addresses or networks whose X-Forwarded-* is believed; `*` for any",
    )
    node: str = Field(
        "",
        pattern="^[a-z0-9]{0,16}$",
        description="this server's name among several; its runs' ids begin with it",
    )
    engine: Literal["workers", "ray", "inline"] = Field(
        "workers",
        description="where trainings run: `workers` (processes), `ray`, or `inline` (a thread)",
    )
    ray_address: str = Field(
        "",
        pattern=r"^(auto|[^:/\s]+:\d{1,5})?$",
        description="Ray cluster to join, `auto` or host:port; empty starts a Ray of its own",
    )
    workers: int = Field(
        default_factory=machine.default_workers,
        ge=1,
        le=64,
        description="trainings at a time; by default as many as processors and memory allow",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="what trains")
    data_dir: Path = Field(MNIST, description="folder with the four MNIST files")
    cache_dir: Path = Field(
        default_factory=_default_cache_dir,
        description="folder for the unpacked data; may be deleted",
    )
    store: Path = Field(
        default_factory=_default_store,
        description="file of what outlives the server: finished runs, comments",
    )
    store_mb: int = Field(
        500, ge=1, le=1_000_000, description="megabytes of finished runs in it; the oldest go first"
    )
    language: str = Field(
        ENGLISH,
        pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        description="the page's language; another than `en` needs its folder in templates/",
    )
    comments: bool = Field(True, description="whether readers may comment; 0 switches them off")
    queue_seconds: float = Field(
        120, ge=0, le=3600, description="longest promised wait; beyond it readers are turned away"
    )
    deadline_seconds: float = Field(
        120, gt=0, le=3600, description="longest time that one training may take"
    )
    start_seconds: float = Field(
        1_800,
        gt=0,
        le=86_400,
        description="longest time that a worker's start may take while it makes progress",
    )
    streams: int = Field(
        2_000, ge=1, le=100_000, description="runs that may be watched at a time, by all readers"
    )
    worker_memory_mb: int = Field(
        1_200,
        ge=1,
        le=1_000_000,
        description="memory in MB that one worker may have for itself; a training over it is ended",
    )
    runs_per_reader: int = Field(
        3, ge=1, le=100, description="runs that one reader may have waiting or training"
    )
    address_share: float = Field(
        0.75, gt=0, le=1, description="part of the queue that readers of one address may fill"
    )
    log_format: logging_config.LogFormat = Field(
        "text", description="the log on stderr: `text`, or `json`, one object a line"
    )
    metrics: bool = Field(False, description="whether GET /metrics answers; 1 switches it on")
    secret: SecretStr = Field(
        default_factory=lambda: SecretStr(secrets.token_urlsafe(32)),
        min_length=16,
        description="signs the session cookie; drawn at each start unless set",
    )

    @field_validator("allowed_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _split_at_commas(cls, value: object) -> object:
        return frozenset(value.replace(" ", "").split(",")) if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _check_host_patterns(cls, names: frozenset[str]) -> frozenset[str]:
        for name in names:
            if name != "*" and (not name or "*" in name.removeprefix("*.")):
                raise ValueError(f"{name!r} should be a name, *.name or *")
        return names

    @field_validator("host")
    @classmethod
    def _strip_brackets(cls, host: str) -> str:
        return host[1:-1] if host.startswith("[") and host.endswith("]") else host

    @field_validator("root_path")
    @classmethod
    def _check_root_path(cls, path: str) -> str:
        if path in ("", "/"):
            return ""
        if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", path) or {".", ".."} & {*path.split("/")}:
            raise ValueError("should begin with /, not end with it, and have plain letters between")
        return path

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, url: str) -> str:
        # The URL goes into headers, which are ASCII; host names have their own encoding, xn--….
        letters = r"[A-Za-z0-9.:\[\]_-]+(/[A-Za-z0-9._~%/-]*)?"
        if url and not re.fullmatch(f"https?://{letters}", url):
            raise ValueError(
                "should be an address such as https://article.example.org, in ASCII (xn--…, %C3…)"
            )
        return url.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, names: frozenset[str]) -> frozenset[str]:
        for name in names - {"*"}:
            try:
                ip_network(name)
            except ValueError:
                raise ValueError(f"{name!r} should be an address, a network or *") from None
        return names


def load() -> Settings:
    """Loads the settings. Raises InvalidSettings, whose one line names the variable."""
    try:
        return Settings()
    except ValidationError as error:
        raise InvalidSettings("; ".join(map(_format_error, error.errors()))) from None


def _format_error(detail: ErrorDetails) -> str:
    name = str(detail["loc"][0])
    got = "" if name == "secret" else f", got {detail['input']!r}"
    return f"{PREFIX}{name.upper()}: {detail['msg']}{got}"
