"""Comments over HTTP: read them, write one."""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from app.comments import SUBJECT, Comment, Comments, parse
from app.store import BoundedExecutor
from app.web.pages import pages_of, wants_fragment, wants_json
from app.web.paths import absolute, root_of_asking_page
from app.web.request_body import read_body
from app.web.security import reader_of

router = APIRouter()

HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept, HX-Request"}
# Threads that may read and write at a time: SQLite has one writer, further ones wait in line.
READERS, WRITERS = 4, 1
MAX_WAITING = 10


class Shelf:
    """The comments, from the event loop: a slow disk keeps nobody but their readers waiting."""

    def __init__(self, comments: Comments) -> None:
        self._comments = comments
        self._readers = BoundedExecutor(READERS, MAX_WAITING, SUBJECT)
        self._writers = BoundedExecutor(WRITERS, MAX_WAITING, SUBJECT)

    async def newest(self) -> tuple[list[Comment], int]:
        """See Comments.newest."""
        return await self._readers.run(self._comments.newest)

    async def add(self, values: dict[str, object], reader: str) -> Comment:
        """See Comments.add; raises InvalidRequest too."""
        return await self._writers.run(partial(self._comments.add, parse(values), reader))


def shelf_of(request: Request) -> Shelf:
    """The comments of this server."""
    shelf: Shelf = request.app.state.comments
    return shelf


TheShelf = Annotated[Shelf, Depends(shelf_of)]


@router.get("/comments")
async def read(request: Request, shelf: TheShelf) -> Response:
    """The newest comments: the fragment for htmx, JSON for a script, else a page."""
    shown, total = await shelf.newest()
    if wants_json(request):
        return JSONResponse([_listed(comment) for comment in shown], headers=HEADERS)
    reader_of(request)
    pages = pages_of(request)
    if wants_fragment(request):
        text = pages.comments(shown, total, root=root_of_asking_page(request))
    else:
        text = pages.comments_page(shown, total)
    return HTMLResponse(text, headers=HEADERS)


@router.post("/comments", status_code=HTTPStatus.CREATED)
async def write(request: Request, shelf: TheShelf) -> Response:
    """Keeps a comment, from a form or from JSON."""
    sent = await read_body(request)
    new = await shelf.add(sent.values, reader_of(request))
    there = f"comments#comment-{new.id}"
    headers = {**HEADERS, "Location": absolute(request, f"/{there}")}
    if wants_fragment(request):
        shown, total = await shelf.newest()
        text = pages_of(request).comments(
            shown, total, root=root_of_asking_page(request), name=new.name, new=new
        )
        return HTMLResponse(text, HTTPStatus.CREATED, headers)
    if sent.form and "text/html" in request.headers.get("accept", ""):  # a browser, no scripts
        # Relative, as a proxy may serve this below a path that the server does not know.
        return RedirectResponse(there, HTTPStatus.SEE_OTHER, HEADERS)
    return JSONResponse(_listed(new), HTTPStatus.CREATED, headers)


def _listed(comment: Comment) -> dict[str, object]:
    return {
        "id": comment.id,
        "created": comment.created.isoformat(),
        "name": comment.name,
        "text": comment.text,
    }
