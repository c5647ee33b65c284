"""Opens the server's listening sockets and lists the URLs at which it can be reached."""

import errno
import os
import socket
from contextlib import closing, suppress

from app.errors import InvalidSettings
from app.settings import PREFIX
from app.web.hosts import is_wildcard_address, local_hostnames, parse_ip_address

BACKLOG = 2048
# Destinations for which the system names its source address: one reserved for examples and one in
# each private range. A UDP socket is only connected to them, so no packet is sent.
IPV4_PROBES = ("192.0.2.1", "10.255.255.254", "172.31.255.254", "192.168.255.254")
IPV6_PROBES = ("2001:db8::1",)


def listen(host: str, port: int) -> list[socket.socket]:
    """Opens a socket for each address of `host`, all on one port. Raises InvalidSettings."""
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
            sockets.append(_create_listener(host, family, str(address[0]), port))
        except OSError as error:
            problem = problem or error
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue  # for example localhost's ::1 on a machine without IPv6
            break
        port = port or sockets[0].getsockname()[1]
    if problem and (not sockets or problem.errno == errno.EADDRINUSE):
        for each in sockets:
            each.close()
        raise InvalidSettings(_error_message(host, port, problem)) from None
    return sockets


def _create_listener(host: str, family: int, address: str, port: int) -> socket.socket:
    """Creates one listening socket; `::` also accepts IPv4 where the system supports dual stack."""
    dual_stack = (
        family == socket.AF_INET6 and is_wildcard_address(host) and socket.has_dualstack_ipv6()
    )
    return socket.create_server(
        (address, port), family=family, backlog=BACKLOG, dualstack_ipv6=dual_stack
    )


def _error_message(host: str, port: int, error: OSError) -> str:
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


def server_urls(sockets: list[socket.socket]) -> list[str]:
    """Returns the server's URLs: first for browsers on this machine, then for others."""
    found: dict[str, None] = {}
    for each in sockets:
        host, port = each.getsockname()[:2]
        found |= dict.fromkeys(f"http://{name}:{port}" for name in _reachable_hosts(each, host))
    return list(found)


def _reachable_hosts(listener: socket.socket, host: str) -> list[str]:
    if not is_wildcard_address(host):
        return [_url_host(host)]
    addresses: list[str] = []
    takes_ipv4 = listener.family == socket.AF_INET or not listener.getsockopt(
        socket.IPPROTO_IPV6, socket.IPV6_V6ONLY
    )
    if takes_ipv4:
        addresses += ["127.0.0.1", *_source_addresses(socket.AF_INET, IPV4_PROBES)]
    if listener.family == socket.AF_INET6:
        addresses += ["::1", *_source_addresses(socket.AF_INET6, IPV6_PROBES)]
    names = sorted(local_hostnames(), key=lambda name: (name.count("."), name))
    return [_url_host(each) for each in addresses] + names[:1]


def _source_addresses(family: int, probes: tuple[str, ...]) -> list[str]:
    found = []
    for probe in probes:
        with (
            suppress(OSError),
            closing(socket.socket(family, socket.SOCK_DGRAM)) as asking,
        ):
            asking.connect((probe, 9))
            address = parse_ip_address(asking.getsockname()[0])
            if address and not address.is_loopback and str(address) not in found:
                found.append(str(address))
    return found


def _url_host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
