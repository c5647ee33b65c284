"""Converts errors to problem documents (RFC 9457, `application/problem+json`)."""

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

STATUS_BY_ERROR: dict[type[BatchNormError], HTTPStatus] = {
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

# Replace details in which Starlette only repeats the status.
DETAIL_BY_STATUS = {HTTPStatus.NOT_FOUND: "There is nothing at this address."}


class ProblemResponse(JSONResponse):
    """A JSON response that escapes `<`, since a detail may quote text from the request."""

    media_type = "application/problem+json"

    def render(self, content: object) -> bytes:
        """In JSON, `<` occurs only in strings, where it can be escaped."""
        return super().render(content).replace(b"<", b"\\u003c")


def problem_response(
    status: int,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> JSONResponse:
    """Returns a problem document; `errors` lists the invalid fields."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return ProblemResponse(body, status, headers=dict(headers or {}))


def add_exception_handlers(app: FastAPI) -> None:
    """Registers handlers that convert every exception to a problem document.

    Unexpected exceptions' messages and file names are not revealed.
    """
    app.add_exception_handler(BatchNormError, _handle_app_error)
    app.add_exception_handler(HTTPException, _handle_http_exception)
    app.add_exception_handler(RequestValidationError, _handle_validation_error)
    app.add_exception_handler(ClientDisconnect, _handle_client_disconnect)
    app.add_exception_handler(Exception, _handle_unexpected_error)


async def _handle_app_error(_: Request, error: Exception) -> JSONResponse:
    status = next(
        (STATUS_BY_ERROR[kind] for kind in type(error).__mro__ if kind in STATUS_BY_ERROR), None
    )
    if status is None:
        return problem_response(500, "Something of ours went wrong. It has been logged.")
    if isinstance(error, InvalidRequest):
        fields = [{"field": p.field, "message": p.message} for p in error.problems]
        return problem_response(status, str(error), errors=fields)
    if isinstance(error, Busy):
        return problem_response(
            status, str(error), headers={"Retry-After": str(error.retry_after_s)}
        )
    return problem_response(status, str(error))


async def _handle_validation_error(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    fields = [
        {"field": str(detail["loc"][-1]), "message": str(detail["msg"])}
        for detail in error.errors()
    ]
    text = "; ".join(f"{entry['field']}: {entry['message']}" for entry in fields)
    return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, text, errors=fields)


async def _handle_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path: str = request.scope["path"]
    if error.status_code == HTTPStatus.NOT_FOUND and path.endswith("/"):
        without = path.removesuffix("/")
        if without and not without.endswith("/") and _allowed_methods(request, without):
            query = f"?{request.url.query}" if request.url.query else ""
            last = request.scope["raw_path"].decode("ascii", "replace").split("/")[-2]
            # The redirect is relative because a proxy may have stripped the beginning of the path.
            return RedirectResponse(f"../{last}{query}")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = ", ".join(_allowed_methods(request, path))
        detail = f"{request.method} is not possible here. Possible: {allowed}."
        return problem_response(error.status_code, detail, headers={"Allow": allowed})
    return problem_response(
        error.status_code,
        DETAIL_BY_STATUS.get(HTTPStatus(error.status_code), error.detail),
        headers=error.headers,
    )


def _allowed_methods(request: Request, path: str) -> list[str]:
    """Returns the methods that any route allows at a path."""
    methods = []
    for method in ("GET", "POST", "DELETE"):
        # Below a mount, Starlette has moved the mount's path into the scope's root path.
        scope = {**request.scope, "root_path": "", "path": path, "method": method}
        found = [route for route in request.app.routes if route.matches(scope)[0] == Match.FULL]
        if any(method == "GET" or not isinstance(route, Mount) for route in found):
            methods += ["GET", "HEAD"] if method == "GET" else [method]
    return methods


async def _handle_client_disconnect(_: Request, __: Exception) -> Response:
    """The client has disconnected, so nobody receives this response."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


async def _handle_unexpected_error(_: Request, __: Exception) -> JSONResponse:
    return problem_response(500, "Something of ours went wrong. It has been logged.")
