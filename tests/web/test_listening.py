"""Sockets, and the addresses that are printed for them."""

import os
import socket
import subprocess
import sys
from contextlib import closing

import httpx
import pytest

from app.errors import InvalidSettings
from app.web.listening import listen, server_urls
from tests.conftest import Serve
from tests.support.processes import ROOT

MACHINE = socket.gethostname().partition(".")[0].lower()
NOBODY = 65534
AS_NOBODY = """
import encodings.idna, os, sys  # nobody may not read what comes later
import app.web.listening
from app.errors import InvalidSettings
os.setuid(int(sys.argv[1]))
try:
    app.web.listening.listen("127.0.0.1", 1)
except InvalidSettings as error:
    print(error)
"""


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_a_server_for_this_machine_has_one_address(host: str, shown: str) -> None:
    with closing(listen(host, 0)[0]) as listener:
        port = listener.getsockname()[1]
        assert port > 0
        assert server_urls([listener]) == [f"http://{shown}:{port}"]


def test_all_addresses_of_a_name_have_the_same_port() -> None:
    sockets = listen("localhost", 0)
    try:
        assert len({each.getsockname()[1] for each in sockets}) == 1
    finally:
        for each in sockets:
            each.close()


@pytest.mark.parametrize("wildcard", ["0.0.0.0", "::"])
def test_what_a_server_for_others_prints_works_and_begins_with_this_machine(
    serve: Serve, wildcard: str
) -> None:
    running = serve(workers=1, host=wildcard)
    assert running.url.startswith("http://127.0.0.1:")
    port = running.url.rpartition(":")[2]
    sockets = listen(wildcard, 0)
    own = sockets[0].getsockname()[1]
    printed = [each.replace(f":{own}", f":{port}") for each in server_urls(sockets)]
    for each in sockets:
        each.close()
    assert len(printed) > 1
    assert not any("0.0.0.0" in each or "[::]" in each for each in printed)
    if MACHINE != "localhost":
        assert f"http://{MACHINE}:{port}" in printed
    for address in printed:
        host = address.removeprefix("http://")
        # By its name as a Host: not every machine can look its own name up.
        answer = httpx.get(running.url, headers={"Host": host}, verify=False)
        assert answer.status_code == 200, address
        if MACHINE not in address:
            assert httpx.get(f"{address}/healthz", verify=False).status_code == 200, address


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidSettings, match=f"^BATCHNORM_PORT: .* port {port} .*in use"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "line"),
    [
        ("192.0.2.9", "192.0.2.9 is no address of this machine"),
        ("2001:db8::9", "2001:db8::9 is no address of this machine"),
        ("no-such-name.invalid", "no address is known for 'no-such-name.invalid'"),
        ("a" * 70, "no address is known for"),
        ("a b", "no address is known for 'a b'"),
        ("http://localhost", "no address is known for"),
    ],
)
def test_a_host_that_is_not_this_machines_is_one_line(host: str, line: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        listen(host, 0)
    assert str(raised.value).startswith("BATCHNORM_HOST: ")
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user"
)
def test_a_port_that_this_user_may_not_have_is_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(NOBODY)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    if not done.stdout:
        pytest.skip("this system lets every user listen on every port")
    assert done.stdout.startswith("BATCHNORM_PORT: this user may not listen on port 1 ")
    assert len(done.stdout.splitlines()) == 1
