"""Parses Host and Origin headers and decides which hosts a request may name.

In a DNS rebinding attack, a foreign site's host name resolves to this machine, so that its page
can read this server's responses. Hosts that are not allowed are therefore rejected. An IP address
can't be rebound.
"""

import logging
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeAlias
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from app.settings import PREFIX, Settings

log = logging.getLogger(__name__)

IpAddress: TypeAlias = IPv4Address | IPv6Address

DEFAULT_PORTS = {"http": 80, "https": 443}
# A DNS name has at most 253 characters, a port at most five digits.
MAX_AUTHORITY_LENGTH = 260
# At most this many rejected hosts are logged, each once: a scanner tries thousands.
MAX_LOGGED_HOSTS = 20


@dataclass(frozen=True, slots=True)
class Authority:
    """A host and an optional port (RFC 3986).

    The host is normalized: lower case, no brackets or final dot, an IP address in its short form.
    """

    host: str
    port: int | None = None

    def with_port(self, scheme: str) -> "Authority":
        """Returns this authority, with the default port of `scheme` if it has no port."""
        return Authority(self.host, self.port or DEFAULT_PORTS.get(scheme))


def parse_authority(text: str) -> Authority | None:
    """Parses `name`, `name:port`, `[IPv6]` or `[IPv6]:port`; returns None for any other text."""
    text = text.strip()
    if not text or len(text) > MAX_AUTHORITY_LENGTH:
        return None
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        address = parse_ip_address(host)
        if not bracket or not isinstance(address, IPv6Address | IPv4Address) or ":" not in host:
            return None
        colon, port = rest[:1], rest[1:]
        if colon not in ("", ":"):
            return None
        return _make_authority(str(address), port)
    host, _, port = text.partition(":")
    name = normalize_hostname(host)
    return None if name is None else _make_authority(name, port)


def _make_authority(host: str, port: str) -> Authority | None:
    if not port:
        return Authority(host)
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        return None
    return Authority(host, int(port))


def parse_ip_address(text: str) -> IpAddress | None:
    """Parses an IP address without its zone; an IPv4-mapped IPv6 address becomes IPv4."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def normalize_hostname(host: str) -> str | None:
    """Normalizes a host name to lower-case ASCII (`xn--…`) without a final dot; None if invalid."""
    try:
        name = host.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    letters = name.replace("-", "").replace(".", "").replace("_", "")
    if not letters.isalnum():
        return None
    address = parse_ip_address(name)
    return str(address) if address else name


def parse_origin(text: str) -> tuple[str, Authority] | None:
    """Parses an Origin into its scheme and its authority with a port; None for `null` or others."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or parts.path or parts.query or parts.fragment:
        return None
    authority = parse_authority(parts.netloc)
    return (parts.scheme, authority.with_port(parts.scheme)) if authority else None


def is_wildcard_address(host: str) -> bool:
    """Whether `host` is a wildcard address: `0.0.0.0` or `::`."""
    address = parse_ip_address(host)
    return address is not None and address.is_unspecified


def local_hostnames() -> set[str]:
    """Returns the host names by which other machines on the network may reach this one."""
    name = normalize_hostname(socket.gethostname())
    if name is None or name == "localhost":
        return set()
    first = name.partition(".")[0]
    return {name, first, f"{first}.local"}


class AllowedHosts:
    """The hosts that a request's Host header may name."""

    def __init__(self, settings: Settings) -> None:
        allowed = set(settings.allowed_hosts) | {settings.host}
        if settings.public_url:
            allowed.add(urlsplit(settings.public_url).netloc)
        self._allow_any_host = "*" in allowed
        self._suffixes = tuple(
            f".{normalize_hostname(name[2:])}" for name in allowed if name.startswith("*.")
        )
        parsed = (parse_authority(_add_ipv6_brackets(name)) for name in allowed)
        self._names = {authority.host for authority in parsed if authority}
        self._allow_any_address = is_wildcard_address(settings.host)
        address = parse_ip_address(settings.host)
        if address is None or not address.is_loopback:
            self._names |= local_hostnames()
        self._logged_hosts: set[str] = set()

    def rejection_reason(self, headers: Headers) -> str | None:
        """Returns why a request with these headers is rejected, for its reader; None if allowed."""
        host_headers = headers.getlist("host")
        authority = parse_authority(host_headers[0]) if len(host_headers) == 1 else None
        if authority is None:
            if self._allow_any_host and len(host_headers) == 1 and host_headers[0].strip():
                return None
            return "The request does not say, in one Host header, which server it is for."
        if self._is_allowed(authority.host):
            return None
        self._log_rejection(authority.host)
        return (
            f"This server does not answer to the name “{authority.host}”. Who runs it can allow "
            f"the name with the setting {PREFIX}ALLOWED_HOSTS={authority.host}."
        )

    def _is_allowed(self, host: str) -> bool:
        if self._allow_any_host or host in self._names or host.endswith(self._suffixes):
            return True
        return self._allow_any_address and parse_ip_address(host) is not None

    def _log_rejection(self, host: str) -> None:
        if host in self._logged_hosts or len(self._logged_hosts) >= MAX_LOGGED_HOSTS:
            return
        self._logged_hosts.add(host)
        # `parse_authority` lets only letters, digits, dots, dashes and colons through.
        log.warning(
            "a request for the host %s was refused: allow it with %sALLOWED_HOSTS=%s",
            *(host, PREFIX, host),
        )


def _add_ipv6_brackets(name: str) -> str:
    return f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name
