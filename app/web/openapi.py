"""The OpenAPI 3.1 document of the server, /openapi.json.

It is written by hand because the routes parse forms and JSON themselves. The tests compare every
route and its responses with it.
"""

from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from app import __version__
from app.comments import FIELD_LIMITS, NewComment
from app.experiments import EXPERIMENTS
from app.experiments.definition import Experiment, Parameter, ParameterValue
from app.web.security import MAX_EVENT_ID_DIGITS, MAX_IDEMPOTENCY_KEY_LENGTH

Json: TypeAlias = dict[str, Any]

# Any request with an unsafe method may be cross-origin (403) or too large (413).
UNSAFE_METHOD_ERRORS = (403, 413)
# As app/runs/run.py draws run ids: an optional node name and 16 random characters.
RUN_ID_SCHEMA = {"type": "string", "pattern": "^([a-z0-9]{1,16}-)?[A-Za-z0-9_-]{16}$"}
RUN_ID_PARAMETER = {"in": "path", "name": "run_id", "required": True, "schema": RUN_ID_SCHEMA}


@dataclass(frozen=True, slots=True)
class Created:
    """A run that was admitted, and where its events are; `shared`: others asked for it, too."""

    id: str
    slug: str
    seed: int
    seeds: int
    parameters: dict[str, ParameterValue]
    state: str
    position: int
    eta_s: float
    shared: bool
    events: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """All that is needed to repeat a run; `digest` is the SHA-256 of its CSV.

    It has an `address` where the server's settings name a public one.
    """

    id: str
    slug: str
    seed: int
    seeds: int
    parameters: dict[str, ParameterValue]
    state: str
    verdict: str | None
    created: str
    elapsed_s: float
    versions: dict[str, str]
    device: str | None
    hardware: str | None
    instruction_set: str | None
    digest: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """A run that was told to stop."""

    id: str
    state: str


@dataclass(frozen=True, slots=True)
class Named:
    """One network of an experiment."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Measured(Named):
    """What is measured."""

    unit: str


@dataclass(frozen=True, slots=True)
class Listed:
    """An experiment."""

    slug: str
    title: str
    claim: str
    arms: list[Named]
    metrics: list[Measured]
    parameters: list[Parameter]
    steps: int


@dataclass(frozen=True, slots=True)
class Written:
    """A comment."""

    id: int
    created: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Alive:
    """The event loop turns."""

    status: str


@dataclass(frozen=True, slots=True)
class Ready:
    """How many workers are warm, and what is wrong."""

    ready: bool
    slots: int
    warm: int
    problem: str | None
    store: str | None


@dataclass(frozen=True, slots=True)
class Fault:
    """A field of a request, and what it should be."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request was refused (RFC 9457); `errors` names the fields that are wrong."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream; `data` is JSON (app/events.py).

    `alive`, which a quiet stream says, has no id; its data is `last_id`, the last event sent.
    """

    id: str
    event: str
    data: str


@dataclass(frozen=True, slots=True)
class PolledEvent:
    """One event of a run's log, as JSON."""

    id: int
    event: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Polled:
    """Events behind the last id: the rest up to `length` at the next request.

    `full`: there is no room for another stream just now.
    """

    events: list[PolledEvent]
    length: int
    full: bool


RESPONSE_MODELS = (Event, Polled, Created, Receipt, Stopped, Listed, Written, Alive, Ready, Problem)

RETRY_AFTER_HEADER = {
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
}
LOCATION_HEADER = {"Location": {"description": "Where it is.", "schema": {"type": "string"}}}
MAX_EVENT_ID = 10**MAX_EVENT_ID_DIGITS - 1


@cache
def build_openapi(*, comments: bool, metrics: bool) -> Json:
    """Returns the OpenAPI document of a server with or without comments and metrics."""
    paths: dict[str, Json] = {
        "/": {"get": _article_operation()},
        "/teaching": {"get": _operation("Lessons with the figures", _text_content("text/html"))},
        "/references.bib": {"get": _operation("Its references", _text_content("text/x-bibtex"))},
        "/experiments": {
            "get": _operation("What can be trained", _json_content(Listed, many=True))
        },
        "/runs/{run_id}": {
            "parameters": [RUN_ID_PARAMETER],
            "get": _run_operation(),
            "delete": _stop_operation(),
        },
        "/runs/{run_id}/events": {"parameters": [RUN_ID_PARAMETER], "get": _events_operation()},
        "/runs/{run_id}/metrics.csv": {
            "parameters": [RUN_ID_PARAMETER],
            "get": _operation("All points so far", _text_content("text/csv"), 404),
        },
        "/runs/{run_id}/receipt.json": {
            "parameters": [RUN_ID_PARAMETER],
            "get": _operation("The receipt as a file", _json_content(Receipt), 404),
        },
        "/healthz": {"get": _operation("Is it alive?", _json_content(Alive))},
        "/readyz": {"get": _readiness_operation()},
    }
    for experiment in EXPERIMENTS.values():
        paths[f"/experiments/{experiment.slug}/runs"] = {"post": _create_run_operation(experiment)}
    if comments:
        paths["/comments"] = {
            "get": _list_comments_operation(),
            "post": _create_comment_operation(),
        }
    if metrics:
        paths["/metrics"] = {"get": _operation("For Prometheus", _text_content("text/plain"))}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Why Does Batch Normalization Work?", "version": __version__},
        "paths": paths,
        "components": {"schemas": _component_schemas()},
    }


def _article_operation() -> Json:
    """Describes the query in prose, since no query is ever rejected."""
    described = (
        "With ?figure=SLUG and settings of that experiment it opens at the figure, with these "
        "filled in. What can't be set is named there; nothing trains by it."
    )
    return _operation("The article", _text_content("text/html")) | {"description": described}


def _run_operation() -> Json:
    return _operation(
        "Its page, or its receipt", _text_content("text/html") | _json_content(Receipt), 404
    )


def _stop_operation() -> Json:
    return _operation("Stops it", _json_content(Stopped), *UNSAFE_METHOD_ERRORS, 404, success=202)


def _events_operation() -> Json:
    stream = {"text/event-stream": {"schema": _reference(Event.__name__)}}
    stream |= _json_content(Polled)
    operation = _operation("Its events behind the last id", stream, 404, 422)
    operation["responses"] |= {"204": {"description": "The end was delivered already"}}
    last_id = {"schema": {"type": "integer", "minimum": 0, "maximum": MAX_EVENT_ID}}
    operation["parameters"] = [
        {"in": "header", "name": "Last-Event-ID", **last_id},
        {"in": "query", "name": "last_event_id", **last_id},
        {
            "in": "query",
            "name": "wait",
            "description": "0: what the log has now, as JSON; 1: a stream, to the run's end",
            "schema": {"type": "string", "enum": ["0", "1"]},
        },
    ]
    return operation


def _readiness_operation() -> Json:
    operation = _operation("Can it train?", _json_content(Ready))
    operation["responses"] |= {"503": {"description": "Not yet", "content": _json_content(Ready)}}
    return operation


def _create_run_operation(experiment: Experiment) -> Json:
    problems = (*UNSAFE_METHOD_ERRORS, 415, 422, 429, 503)
    created = _json_content(Created) | _text_content("text/html")
    operation = _operation(f"Trains: {experiment.title}", created, *problems, success=201)
    operation["responses"]["201"]["headers"] = LOCATION_HEADER
    key = {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY_LENGTH}
    operation["parameters"] = [{"in": "header", "name": "Idempotency-Key", "schema": key}]
    operation["requestBody"] = _request_body(experiment.slug)
    return operation


def _list_comments_operation() -> Json:
    answer = _text_content("text/html") | _json_content(Written, many=True)
    return _operation("What readers wrote", answer, 503)


def _create_comment_operation() -> Json:
    problems = (*UNSAFE_METHOD_ERRORS, 415, 422, 429, 503)
    written = _json_content(Written) | _text_content("text/html")
    operation = _operation("Keeps a comment", written, *problems, success=201)
    operation["responses"]["201"]["headers"] = LOCATION_HEADER
    operation["responses"]["303"] = {"description": "Kept; see there", "headers": LOCATION_HEADER}
    operation["requestBody"] = _request_body(NewComment.__name__) | {"required": True}
    return operation


def _operation(summary: str, content: Json, *problems: int, success: int = 200) -> Json:
    """Describes an operation. Any request may get a 400 if its Host is not allowed or malformed."""
    responses: Json = {str(success): {"description": summary, "content": content}}
    for status in (400, *problems):
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {"application/problem+json": {"schema": _reference(Problem.__name__)}},
            **({"headers": RETRY_AFTER_HEADER} if status == HTTPStatus.TOO_MANY_REQUESTS else {}),
        }
    return {"summary": summary, "responses": responses}


def _text_content(media_type: str) -> Json:
    return {media_type: {"schema": {"type": "string"}}}


def _json_content(shape: type, *, many: bool = False) -> Json:
    one = _reference(shape.__name__)
    return {"application/json": {"schema": {"type": "array", "items": one} if many else one}}


def _request_body(name: str) -> Json:
    kinds = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
    return {"content": {kind: {"schema": _reference(name)} for kind in kinds}}


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _component_schemas() -> Json:
    """Of answers, each under its name; of requests, an experiment's under its slug."""
    _, answers = TypeAdapter.json_schemas(
        [(shape.__name__, "validation", TypeAdapter(shape)) for shape in RESPONSE_MODELS],
        ref_template="#/components/schemas/{model}",
    )
    requests = {slug: it.request.model_json_schema() for slug, it in EXPERIMENTS.items()}
    comment = NewComment.model_json_schema()
    for name, part in comment["properties"].items():
        del part["maxLength"]  # it is counted after tidying, and says nothing of what is sent
        part |= {"minLength": 1, "description": FIELD_LIMITS[name]}
    return {**answers["$defs"], **requests, NewComment.__name__: comment}
