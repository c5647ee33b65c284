"""Parses a request's body: a form or a JSON object."""

import json
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import HTTPException, Request

from app.errors import FieldProblem, InvalidRequest


@dataclass(frozen=True, slots=True)
class RequestBody:
    """A request's values by name. A form's values are all strings."""

    values: dict[str, object]
    is_form: bool


async def read_body(request: Request) -> RequestBody:
    """Reads a form or a JSON object; an empty body has no values.

    Raises InvalidRequest for other JSON, and HTTPException (415) for other content types.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send it as it is, not packed.")
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == "application/json":
        return RequestBody(_json_object(await request.body()), is_form=False)
    if content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        async with request.form(max_files=0, max_fields=50) as form:
            return RequestBody(dict(form.items()), is_form=True)
    if await request.body():
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send a form or JSON.")
    return RequestBody({}, is_form=False)


def _json_object(body: bytes) -> dict[str, object]:
    try:
        values = json.loads(body)
        json.dumps(values, ensure_ascii=False).encode()  # rejects lone surrogates
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise InvalidRequest([FieldProblem("body", "should be a JSON object")])
    return values
