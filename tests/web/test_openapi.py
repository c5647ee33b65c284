import re
from typing import Any, TypeAlias

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.web.openapi import build_openapi
from tests.support.http_client import json_body, post_run
from tests.support.toy_server import FakeServer

AS_DESCRIBED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SETTINGS = settings(max_examples=6, derandomize=True, deadline=None)

Operation: TypeAlias = APIOperation[Any, Any, Any, Any]
Case: TypeAlias = schemathesis.Case[Any]


def _slug(path: str) -> str:
    """Of /experiments/{slug}/runs; of any other path, nothing."""
    return path.split("/")[2] if path.startswith("/experiments/") else ""


DESCRIPTION = build_openapi(comments=True, metrics=True)
# The descriptions of trainings differ in their parameters alone; these have every kind of them.
TRAINED = ("learning-rates", "norms", "loss-surface", "deep-linear")
OPERATIONS: list[Operation] = [
    found.ok()
    for found in schemathesis.openapi.from_dict(DESCRIPTION).get_all_operations()
    if isinstance(found, Ok) and (not (slug := _slug(found.ok().path)) or slug in TRAINED)
]
OF_A_RUN = [it for it in OPERATIONS if "{run_id}" in it.path and it.method == "get"]
TAKING_INPUT = [it for it in OPERATIONS if it.body or it.query]


def label(operation: Operation) -> str:
    """For the test's name."""
    return str(operation.label)


@pytest.mark.parametrize("operation", OPERATIONS, ids=label)
def test_what_is_described_is_answered_as_described(
    fake_server: FakeServer, operation: Operation
) -> None:
    @given(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    @SETTINGS
    def ask(case: Case) -> None:
        case.call_and_validate(base_url=fake_server.url, checks=AS_DESCRIBED)

    ask()


@pytest.mark.parametrize("operation", TAKING_INPUT, ids=label)
def test_what_is_not_described_is_refused_as_described(
    fake_server: FakeServer, operation: Operation
) -> None:
    @given(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    @SETTINGS
    def ask(case: Case) -> None:
        checks = [*AS_DESCRIBED, negative_data_rejection]
        case.call_and_validate(base_url=fake_server.url, checks=checks)

    ask()


def test_a_run_that_there_is_is_told_as_described(fake_server: FakeServer) -> None:
    with fake_server.new_client() as reader:
        run = json_body(post_run(reader, steps=10))
    for operation in OF_A_RUN:
        case = operation.Case(path_parameters={"run_id": run["id"]})
        answer = case.call_and_validate(base_url=fake_server.url, checks=AS_DESCRIBED)
        assert answer.status_code == 200


def test_every_route_is_described_and_nothing_else(fake_server: FakeServer) -> None:
    served = FastAPI.openapi(fake_server.app)["paths"]  # as FastAPI finds them
    described = {
        re.sub(r"/experiments/[^/]+/", "/experiments/{slug}/", path): set(methods) - {"parameters"}
        for path, methods in DESCRIPTION["paths"].items()
    }
    assert described == {path: set(methods) for path, methods in served.items()}


def test_what_is_switched_off_is_not_described() -> None:
    bare = build_openapi(comments=False, metrics=False)["paths"]
    assert set(DESCRIPTION["paths"]) - set(bare) == {"/comments", "/metrics"}


def test_the_description_is_what_the_server_hands_out(fake_server: FakeServer) -> None:
    with fake_server.new_client() as reader:
        assert json_body(reader.get("/openapi.json")) == DESCRIPTION
