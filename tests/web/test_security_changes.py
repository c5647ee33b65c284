"""Who may change something: every combination of what browsers and proxies send."""

from dataclasses import dataclass
from typing import Any

import pytest
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from app.settings import Settings
from app.web.hosts import AllowedHosts
from app.web.proxies import TrustedProxyMiddleware
from app.web.security import SecurityMiddleware

LAN = "http://192.168.1.5:8000"
SITE = "https://article.example.org"


@dataclass
class Server:
    """What stands before the routes, as in app/main.py."""

    peer: str = "127.0.0.1"
    scheme: str = "http"

    async def status(self, *headers: tuple[str, str], method: str = "POST", **more: Any) -> int:
        """What a request with these headers is answered."""
        values = {"host": "0.0.0.0", "allowed_hosts": "article.example.org,localhost", **more}
        settings = Settings.model_validate(values)
        guard = SecurityMiddleware(_allowed, AllowedHosts(settings), settings.public_url)
        app = TrustedProxyMiddleware(guard, settings.trusted_proxies)
        statuses: list[int] = []

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        scope: Scope = {
            "type": "http",
            "method": method,
            "path": "/comments",
            "scheme": self.scheme,
            "client": (self.peer, 1),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        }
        await app(scope, receive, send)
        return statuses[0]


async def _allowed(scope: Scope, receive: Receive, send: Send) -> None:
    await Response(status_code=201)(scope, receive, send)


def pairs(**headers: str) -> list[tuple[str, str]]:
    return [(name.replace("_", "-"), value) for name, value in headers.items()]


ALLOWED = {
    "no browser": pairs(host="localhost:8000"),
    "a proxy that does not pass Host on": pairs(
        host="127.0.0.1:8001", origin=SITE, sec_fetch_site="same-origin"
    ),
    "https at the proxy": pairs(host="article.example.org", origin=SITE),
    "no referrer": pairs(host="localhost", origin="null", sec_fetch_site="same-origin"),
    "an address typed in": pairs(host="localhost", sec_fetch_site="none"),
    "vouched for twice": [
        *pairs(host="localhost", sec_fetch_site="same-origin"),
        ("Sec-Fetch-Site", "Same-Origin, same-origin"),
    ],
    "a LAN address, of which browsers say nothing": pairs(host="192.168.1.5:8000", origin=LAN),
    "port 80 by default": pairs(host="192.168.1.5", origin="http://192.168.1.5:80"),
    "port 80 told": pairs(host="192.168.1.5:80", origin="http://192.168.1.5"),
    "port 443 by default": pairs(host="article.example.org:443", origin=SITE),
    "another case and a final dot": pairs(
        host="Article.Example.ORG.", origin="https://article.example.org"
    ),
    "IPv6": pairs(host="[FD00:0::5]:8000", origin="http://[fd00::5]:8000"),
    "the same origin twice": [*pairs(host="192.168.1.5:8000", origin=LAN), ("Origin", LAN)],
    "a proxy that tells the host": pairs(
        host="127.0.0.1:8001", origin=SITE, x_forwarded_host="article.example.org"
    ),
    "two proxies that tell the host": pairs(
        host="127.0.0.1", origin=SITE, x_forwarded_host="article.example.org, inner:81"
    ),
    "a proxy that tells the port": pairs(
        host="article.example.org", origin=f"{SITE}:8443", x_forwarded_port="8443"
    ),
    "Forwarded": pairs(
        host="127.0.0.1",
        origin=SITE,
        forwarded='for=1.2.3.4;Host="article.example.org";proto=https',
    ),
    "no referrer, by htmx, of a LAN address": pairs(
        host="192.168.1.5:8000", origin="null", hx_request="true"
    ),
    "an empty Sec-Fetch-Site": pairs(host="192.168.1.5:8000", origin=LAN, sec_fetch_site=""),
}

REFUSED = {
    "another site": pairs(host="localhost", origin="https://evil.example"),
    "another site by htmx": pairs(
        host="localhost", origin="https://evil.example", hx_request="true"
    ),
    "cross-site": pairs(host="localhost", origin="http://localhost", sec_fetch_site="cross-site"),
    "same-site": pairs(host="localhost", origin="http://localhost", sec_fetch_site="same-site"),
    "cross-site by htmx": pairs(
        host="localhost", origin="null", sec_fetch_site="cross-site", hx_request="true"
    ),
    "vouched for and not": [
        *pairs(host="localhost", sec_fetch_site="same-origin"),
        ("Sec-Fetch-Site", "cross-site"),
    ],
    "another port": pairs(host="192.168.1.5:8000", origin="http://192.168.1.5:3000"),
    "another port by default": pairs(host="192.168.1.5:8000", origin="http://192.168.1.5"),
    "a frame in a sandbox": pairs(host="localhost", origin="null"),
    "two origins": [*pairs(host="localhost", origin="http://localhost"), ("Origin", SITE)],
    "no origin at all": pairs(host="localhost", origin=""),
    "half an address": pairs(host="localhost", origin="http://["),
    "another scheme": pairs(host="localhost", origin="ftp://localhost"),
    "a name that begins alike": pairs(host="localhost", origin="http://localhost.evil.example"),
    "a user in the origin": pairs(host="localhost", origin="http://localhost@evil.example"),
    "http where this is https": pairs(
        host="article.example.org", origin="http://article.example.org", x_forwarded_proto="https"
    ),
}


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("case", ALLOWED)
async def test_a_page_of_this_server_may_change_something(case: str, method: str) -> None:
    assert await Server().status(*ALLOWED[case], method=method) == 201


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT"])
@pytest.mark.parametrize("case", REFUSED)
async def test_a_page_of_another_site_may_not(case: str, method: str) -> None:
    assert await Server().status(*REFUSED[case], method=method) == 403


@pytest.mark.anyio
async def test_only_a_trusted_proxy_is_believed_what_the_server_is_called() -> None:
    for case in ("a proxy that tells the host", "a proxy that tells the port", "Forwarded"):
        assert await Server(peer="203.0.113.9").status(*ALLOWED[case]) == 403


@pytest.mark.anyio
async def test_a_name_that_was_rebound_is_refused_though_its_browser_vouches() -> None:
    rebound = pairs(host="evil.example", origin="http://evil.example", sec_fetch_site="same-origin")
    assert await Server().status(*rebound) == 400
    assert await Server().status(*rebound, method="GET") == 400


@pytest.mark.anyio
async def test_the_public_address_of_the_settings_is_this_server() -> None:
    request = pairs(host="127.0.0.1:8001", origin="http://lab.example")
    assert await Server().status(*request) == 403
    assert await Server().status(*request, public_url="http://lab.example/bn/") == 201
    assert await Server().status(*request, public_url="https://lab.example") == 403


@pytest.mark.anyio
async def test_whatever_a_page_says_it_may_look() -> None:
    for case in REFUSED.values():
        assert await Server().status(*case, method="GET") == 201
