"""Errors as RFC 9457 `application/problem+json`."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match, Mount

from app.errors import (
    BatchNormError,
    Busy,
    InvalidRequest,
    NotRunOwner,
    StoreUnavailable,
    TooManyComments,
    TooManyRuns,
    UnknownComment,
    UnknownExperiment,
    UnknownRun,
)

STATUS: dict[type[BatchNormError], HTTPStatus] = {
    InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownExperiment: HTTPStatus.NOT_FOUND,
    UnknownRun: HTTPStatus.NOT_FOUND,
    UnknownComment: HTTPStatus.NOT_FOUND,
    NotRunOwner: HTTPStatus.FORBIDDEN,
    TooManyRuns: HTTPStatus.TOO_MANY_REQUESTS,
    TooManyComments: HTTPStatus.TOO_MANY_REQUESTS,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Busy: HTTPStatus.SERVICE_UNAVAILABLE,
}

# Where Starlette only repeats the status.
DETAILS = {HTTPStatus.NOT_FOUND: "There is nothing at this address."}


class Problem(JSONResponse):
    """A refusal may repeat what was sent, such as a field's name: never as markup."""

    media_type = "application/problem+json"

    def render(self, content: object) -> bytes:
        """JSON has `<` in texts alone, where it may be written as its number."""
        return super().render(content).replace(b"<", b"\\u003c")


def problem(
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> JSONResponse:
    """One problem document; `errors` names each field that was wrong."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return Problem(body, status, headers=dict(headers or {}))


def install(app: FastAPI) -> None:
    """Has every error leave as a problem document, without an exception's text or a path."""
    app.add_exception_handler(BatchNormError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unforeseen)


async def _ours(_: Request, error: Exception) -> JSONResponse:
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), None)
    if status is None:
        return problem(500, "Something of ours went wrong. It has been logged.")
    if isinstance(error, InvalidRequest):
        fields = [{"field": p.field, "message": p.message} for p in error.problems]
        return problem(status, str(error), errors=fields)
    if isinstance(error, Busy):
        return problem(status, str(error), headers={"Retry-After": str(error.retry_after_s)})
    return problem(status, str(error))


async def _validation(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    fields = [
        {"field": str(detail["loc"][-1]), "message": str(detail["msg"])}
        for detail in error.errors()
    ]
    text = "; ".join(f"{entry['field']}: {entry['message']}" for entry in fields)
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, text, errors=fields)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path: str = request.scope["path"]
    if error.status_code == HTTPStatus.NOT_FOUND and path.endswith("/"):
        without = path.removesuffix("/")
        if without and not without.endswith("/") and _methods(request, without):
            query = f"?{request.url.query}" if request.url.query else ""
            last = request.scope["raw_path"].decode("ascii", "replace").split("/")[-2]
            # Relative: the path before it may be a proxy's.
            return RedirectResponse(f"../{last}{query}")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(_methods(request, path))
        detail = f"{request.method} is not possible here. Possible: {allowed}."
        return problem(error.status_code, detail, headers={"Allow": allowed})
    return problem(
        error.status_code,
        DETAILS.get(HTTPStatus(error.status_code), error.detail),
        headers=error.headers,
    )


def _methods(request: Request, path: str) -> list[str]:
    """The methods that are answered at a path, by whichever route."""
    methods = []
    for method in ("GET", "POST", "DELETE"):
        # Below a mount, Starlette has taken its path for the root path.
        scope = {**request.scope, "root_path": "", "path": path, "method": method}
        found = [route for route in request.app.routes if route.matches(scope)[0] == Match.FULL]
        if any(method == "GET" or not isinstance(route, Mount) for route in found):
            methods += ["GET", "HEAD"] if method == "GET" else [method]
    return methods


async def _gone(_: Request, __: Exception) -> Response:
    """The reader left in mid-sentence, and hears no answer."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


async def _unforeseen(_: Request, __: Exception) -> JSONResponse:
    return problem(500, "Something of ours went wrong. It has been logged.")
