"""The sockets that the server listens on, and the addresses at which others reach them."""

import errno
import os
import socket
from contextlib import closing, suppress

from app.errors import InvalidSettings
from app.settings import PREFIX
from app.web.hosts import address_of, is_wildcard, names_of_this_machine

BACKLOG = 2048
# Destinations for which the system names its source address: one reserved for examples and one in
# each private range. A UDP socket is only connected to them, so no packet is sent.
PROBES = ("192.0.2.1", "10.255.255.254", "172.31.255.254", "192.168.255.254")
PROBES_IPV6 = ("2001:db8::1",)


def listen(host: str, port: int) -> list[socket.socket]:
    """Listens on all addresses of `host`, on the same port. Raises InvalidSettings, one line."""
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE, proto=socket.IPPROTO_TCP
        )
    except (OSError, UnicodeError):
        raise InvalidSettings(f"{PREFIX}HOST: no address is known for {host!r}") from None
    sockets: list[socket.socket] = []
    problem: OSError | None = None
    for family, *_, address in dict.fromkeys(found):
        try:
            sockets.append(_listen(host, family, str(address[0]), port))
        except OSError as error:
            problem = problem or error
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue  # such as localhost's ::1 where there is no IPv6
            break
        port = port or sockets[0].getsockname()[1]
    if problem and (not sockets or problem.errno == errno.EADDRINUSE):
        for each in sockets:
            each.close()
        raise InvalidSettings(_line(host, port, problem)) from None
    return sockets


def _listen(host: str, family: int, address: str, port: int) -> socket.socket:
    """`::` listens for IPv4, too, where the system can do both with one socket."""
    both = family == socket.AF_INET6 and is_wildcard(host) and socket.has_dualstack_ipv6()
    return socket.create_server(
        (address, port), family=family, backlog=BACKLOG, dualstack_ipv6=both
    )


def _line(host: str, port: int, error: OSError) -> str:
    reason = os.strerror(error.errno).lower() if error.errno else str(error)
    match error.errno:
        case errno.EADDRINUSE:
            return f"{PREFIX}PORT: another program listens on {host} port {port} ({reason})"
        case errno.EACCES | errno.EPERM:
            return (
                f"{PREFIX}PORT: this user may not listen on port {port} ({reason}); "
                "take one from 1024 up"
            )
        case errno.EADDRNOTAVAIL:
            return f"{PREFIX}HOST: {host} is no address of this machine ({reason})"
        case _:
            return f"{PREFIX}HOST: can't listen on {host} port {port} ({reason})"


def addresses(sockets: list[socket.socket]) -> list[str]:
    """Where a browser finds the server: on this machine first, then from other machines."""
    found: dict[str, None] = {}
    for each in sockets:
        host, port = each.getsockname()[:2]
        found |= dict.fromkeys(f"http://{name}:{port}" for name in _names(each, host))
    return list(found)


def _names(listener: socket.socket, host: str) -> list[str]:
    if not is_wildcard(host):
        return [_in_address(host)]
    own: list[str] = []
    takes_ipv4 = listener.family == socket.AF_INET or not listener.getsockopt(
        socket.IPPROTO_IPV6, socket.IPV6_V6ONLY
    )
    if takes_ipv4:
        own += ["127.0.0.1", *_sending_addresses(socket.AF_INET, PROBES)]
    if listener.family == socket.AF_INET6:
        own += ["::1", *_sending_addresses(socket.AF_INET6, PROBES_IPV6)]
    names = sorted(names_of_this_machine(), key=lambda name: (name.count("."), name))
    return [_in_address(each) for each in own] + names[:1]


def _sending_addresses(family: int, probes: tuple[str, ...]) -> list[str]:
    found = []
    for probe in probes:
        with (
            suppress(OSError),
            closing(socket.socket(family, socket.SOCK_DGRAM)) as asking,
        ):
            asking.connect((probe, 9))
            address = address_of(asking.getsockname()[0])
            if address and not address.is_loopback and str(address) not in found:
                found.append(str(address))
    return found


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
