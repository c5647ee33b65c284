"""Errors that no route foresees: a toy route raises them in an application of our own."""

import inspect
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest

from app import errors
from app.main import create_app
from app.settings import Settings
from app.web.problem_details import STATUS_BY_ERROR
from tests.support.http_client import problem_body

pytestmark = pytest.mark.anyio


@pytest.fixture
async def visitor(tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient, None]:
    app = create_app(Settings(cache_dir=tmp_path))

    @app.get("/raises/{what}")
    async def raises(what: str) -> None:
        raise {
            "ours": errors.WorkerLost("secret: worker 7 is gone"),
            "unforeseen": RuntimeError("secret: /home/somebody"),
        }[what]

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@pytest.mark.parametrize("what", ["ours", "unforeseen"])
async def test_an_error_of_ours_gives_nothing_away(visitor: httpx.AsyncClient, what: str) -> None:
    answer = await visitor.get(f"/raises/{what}")
    problem_body(answer, 500)
    assert "secret" not in answer.text


@pytest.mark.parametrize("what", ["ours", "unforeseen"])
async def test_an_error_of_ours_carries_the_headers_too(
    visitor: httpx.AsyncClient, what: str
) -> None:
    answer = await visitor.get(f"/raises/{what}")
    assert "default-src 'none'" in answer.headers.get("content-security-policy", "")
    assert answer.headers.get("x-content-type-options") == "nosniff"


def test_every_error_that_a_reader_can_cause_has_its_status() -> None:
    of_the_server = {
        errors.BatchNormError,
        errors.InvalidSettings,
        errors.CannotTrain,
        errors.TrainingError,
    }
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        if issubclass(kind, errors.BatchNormError) and not of_the_server & set(kind.__mro__[:2]):
            assert any(base in STATUS_BY_ERROR for base in kind.__mro__), kind
