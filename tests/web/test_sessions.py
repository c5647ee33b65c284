"""The cookie by which a reader is known: each server's own."""

from pathlib import Path

import httpx
import pytest

from app.settings import Settings
from app.web.sessions import cookie_name
from tests.support.http_client import RUNS_PATH, json_body
from tests.support.toy_server import FakeServer, running_fake_server

HTTPS = {"X-Forwarded-Proto": "https"}
SECRET = "known to several servers"


def name_of(path: Path, port: int = 1, **settings: object) -> str:
    return cookie_name(Settings.model_validate({"store": path / "store.db", **settings}), port)


def test_servers_on_one_machine_leave_each_others_readers_alone(
    fake_server: FakeServer, tmp_path: Path
) -> None:
    with running_fake_server(tmp_path) as other, httpx.Client(verify=False) as reader:
        run = json_body(reader.post(fake_server.url + RUNS_PATH, json={"steps": 10}))
        reader.get(other.url)
        assert len(reader.cookies) == 2
        assert reader.delete(f"{fake_server.url}/runs/{run['id']}").status_code == 202


def test_the_name_lasts_over_restarts_and_is_shared_by_servers_of_one_secret(
    tmp_path: Path,
) -> None:
    assert name_of(tmp_path) == name_of(tmp_path)
    assert name_of(tmp_path, port=1) != name_of(tmp_path, port=2)
    shared = name_of(tmp_path, secret=SECRET)
    assert shared == name_of(tmp_path / "elsewhere", port=2, secret=SECRET)
    assert shared != name_of(tmp_path, secret=SECRET + "!")
    assert SECRET not in shared


def test_over_https_the_cookie_is_secure_and_has_a_name_of_its_own(fake_server: FakeServer) -> None:
    """A browser that has a `Secure` cookie takes no other of that name from plain http."""
    with fake_server.new_client() as reader:
        plain = reader.get("/").headers["set-cookie"]
        secure = reader.get("/", headers=HTTPS).headers["set-cookie"]
    assert plain.startswith("reader-")
    assert secure.startswith("__Secure-reader-")
    assert "secure" not in plain.lower()
    assert "; secure" in secure.lower()
    for cookie in (plain, secure):
        assert "httponly" in cookie.lower()
        assert "samesite=lax" in cookie.lower()
        assert "path=/;" in cookie.lower()


@pytest.mark.parametrize(
    "value",
    [
        *("null", "", "a", "a.b.c", "=", ";;;", "eyJyZWFkZXIiOiAieCJ9.aaaa.bbbb", '"quoted', "ü"),
        *("e30=.Z.Z" * 200, "\\000", "%00"),
    ],
)
def test_a_cookie_that_is_not_ours_makes_a_new_reader_and_no_error(
    fake_server: FakeServer, value: str
) -> None:
    with fake_server.new_client() as reader:
        name = reader.get("/").headers["set-cookie"].partition("=")[0]
        reader.cookies.clear()
        cookie = f"{name}={value}; reader={value}; {name}={value}".encode()
        answer = reader.get("/", headers=[(b"Cookie", cookie)])
        assert answer.status_code == 200
        assert answer.headers["set-cookie"].startswith(name)


def test_a_cookie_of_another_secret_makes_a_new_reader(
    fake_server: FakeServer, tmp_path: Path
) -> None:
    with running_fake_server(tmp_path) as other, other.new_client() as elsewhere:
        value = elsewhere.get("/").headers["set-cookie"].partition("=")[2].partition(";")[0]
    with fake_server.new_client() as reader:
        name = reader.get("/").headers["set-cookie"].partition("=")[0]
        reader.cookies.clear()
        answer = reader.get("/", headers={"Cookie": f"{name}={value}"})
        assert answer.status_code == 200
        assert "set-cookie" in answer.headers
