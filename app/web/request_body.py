"""What a reader sends: a form, or JSON."""

import json
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import HTTPException, Request

from app.errors import FieldProblem, InvalidRequest


@dataclass(frozen=True, slots=True)
class Body:
    """The values that were sent; all of them are texts in a form."""

    values: dict[str, object]
    form: bool


async def read_body(request: Request) -> Body:
    """The values of a form or of a JSON object; none if nothing was sent.

    Raises InvalidRequest for other JSON, and HTTPException (415) for anything else.
    """
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send it as it is, not packed.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return Body(_json_object(await request.body()), form=False)
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        async with request.form(max_files=0, max_fields=50) as form:
            return Body(dict(form.items()), form=True)
    if await request.body():
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send a form or JSON.")
    return Body({}, form=False)


def _json_object(body: bytes) -> dict[str, object]:
    try:
        values = json.loads(body)
        json.dumps(values, ensure_ascii=False).encode()  # half a character (\ud800) is no text
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise InvalidRequest([FieldProblem("body", "should be a JSON object")])
    return values
