"""Names of this server: which of them a request's Host may use, and which address it came from.

A page elsewhere can have its own name resolve to this machine (DNS rebinding) and then read all
that the server answers: so a name that nobody allowed is refused. An address in digits can't be
rebound.
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
# A name in the DNS has at most 253 characters; a port five.
MAX_LENGTH = 260
# Names that the log tells of, each once: a scanner tries thousands.
MAX_LOGGED = 20


@dataclass(frozen=True, slots=True)
class Authority:
    """A host (lower case, without brackets or final dot; an address in its short form), a port."""

    host: str
    port: int | None = None

    def with_port(self, scheme: str) -> "Authority":
        """Returns this authority with the default port of `scheme` where it names no port."""
        return Authority(self.host, self.port or DEFAULT_PORTS.get(scheme))


def parse_authority(text: str) -> Authority | None:
    """Reads `name`, `name:port`, `[IPv6]` or `[IPv6]:port`; None where the text is neither."""
    text = text.strip()
    if not text or len(text) > MAX_LENGTH:
        return None
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        address = address_of(host)
        if not bracket or not isinstance(address, IPv6Address | IPv4Address) or ":" not in host:
            return None
        colon, port = rest[:1], rest[1:]
        if colon not in ("", ":"):
            return None
        return _authority(str(address), port)
    host, _, port = text.partition(":")
    name = normal_name(host)
    return None if name is None else _authority(name, port)


def _authority(host: str, port: str) -> Authority | None:
    if not port:
        return Authority(host)
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        return None
    return Authority(host, int(port))


def address_of(text: str) -> IpAddress | None:
    """An address in digits, without its zone; IPv4 in the clothes of IPv6 is IPv4."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def normal_name(host: str) -> str | None:
    """A host name as it is compared: lower case, ASCII (`xn--…`), no final dot; or None."""
    try:
        name = host.removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    letters = name.replace("-", "").replace(".", "").replace("_", "")
    if not letters.isalnum():
        return None
    address = address_of(name)
    return str(address) if address else name


def parse_origin(text: str) -> tuple[str, Authority] | None:
    """Scheme and authority, its port always given; None for `null` and whatever is no origin."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or parts.path or parts.query or parts.fragment:
        return None
    authority = parse_authority(parts.netloc)
    return (parts.scheme, authority.with_port(parts.scheme)) if authority else None


def is_wildcard(host: str) -> bool:
    """The server listens on all addresses of this machine, or of one family of them."""
    address = address_of(host)
    return address is not None and address.is_unspecified


def names_of_this_machine() -> set[str]:
    """Returns the host names by which other machines on the network may reach this one."""
    name = normal_name(socket.gethostname())
    if name is None or name == "localhost":
        return set()
    first = name.partition(".")[0]
    return {name, first, f"{first}.local"}


class Hosts:
    """The hosts that a request may name."""

    def __init__(self, settings: Settings) -> None:
        allowed = set(settings.allowed_hosts) | {settings.host}
        if settings.public_url:
            allowed.add(urlsplit(settings.public_url).netloc)
        self._any = "*" in allowed
        self._suffixes = tuple(
            f".{normal_name(name[2:])}" for name in allowed if name.startswith("*.")
        )
        parsed = (parse_authority(_bracketed(name)) for name in allowed)
        self._names = {authority.host for authority in parsed if authority}
        self._any_address = is_wildcard(settings.host)
        address = address_of(settings.host)
        if address is None or not address.is_loopback:
            self._names |= names_of_this_machine()
        self._logged: set[str] = set()

    def refusal(self, headers: Headers) -> str | None:
        """Why a request with these headers is refused, for a reader; None if it is not."""
        given = headers.getlist("host")
        authority = parse_authority(given[0]) if len(given) == 1 else None
        if authority is None:
            if self._any and len(given) == 1 and given[0].strip():
                return None
            return "The request does not say, in one Host header, which server it is for."
        if self._allows(authority.host):
            return None
        self._tell(authority.host)
        return (
            f"This server does not answer to the name “{authority.host}”. Who runs it can allow "
            f"the name with the setting {PREFIX}ALLOWED_HOSTS={authority.host}."
        )

    def _allows(self, host: str) -> bool:
        if self._any or host in self._names or host.endswith(self._suffixes):
            return True
        return self._any_address and address_of(host) is not None

    def _tell(self, host: str) -> None:
        if host in self._logged or len(self._logged) >= MAX_LOGGED:
            return
        self._logged.add(host)
        # Only letters, digits, dots, dashes and colons come through `parse_authority`.
        log.warning(
            "a request for the host %s was refused: allow it with %sALLOWED_HOSTS=%s",
            *(host, PREFIX, host),
        )


def _bracketed(name: str) -> str:
    return f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name
