"""Comments over HTTP: read them, write one."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Annotated, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from app.comments import WHAT, Comment, Comments, parse
from app.errors import StoreUnavailable
from app.web.bodies import read_body
from app.web.pages import pages_of, wants_fragment, wants_json
from app.web.security import reader_of

router = APIRouter()

HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept, HX-Request"}
# Threads that may read and write at a time: SQLite has one writer, further ones wait in line.
READERS, WRITERS = 4, 1
# Longest line. Should the file be locked, each who waits costs those behind two seconds.
MAX_WAITING = 10

T = TypeVar("T")


class Line:
    """A few threads, and a line of those who wait for one: MAX_WAITING and no longer."""

    def __init__(self, threads: int) -> None:
        self._limiter = CapacityLimiter(threads)
        self._room = threads + MAX_WAITING

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns. Raises StoreUnavailable at once if the line is full."""
        if not self._room:
            raise StoreUnavailable(WHAT, "too many are waiting for it")
        self._room -= 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._room += 1


class Shelf:
    """The comments, from the event loop: a slow disk keeps nobody but their readers waiting."""

    def __init__(self, comments: Comments) -> None:
        self._comments = comments
        self._readers, self._writers = Line(READERS), Line(WRITERS)

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
    page = pages.comments if wants_fragment(request) else pages.comments_page
    return HTMLResponse(page(shown, total), headers=HEADERS)


@router.post("/comments", status_code=HTTPStatus.CREATED)
async def write(request: Request, shelf: TheShelf) -> Response:
    """Keeps a comment, from a form or from JSON."""
    sent = await read_body(request)
    new = await shelf.add(sent.values, reader_of(request))
    location = f"/comments#comment-{new.id}"
    headers = {**HEADERS, "Location": location}
    if wants_fragment(request):
        shown, total = await shelf.newest()
        text = pages_of(request).comments(shown, total, name=new.name, new=new)
        return HTMLResponse(text, HTTPStatus.CREATED, headers)
    if sent.form and "text/html" in request.headers.get("accept", ""):  # a browser, no scripts
        return RedirectResponse(location, HTTPStatus.SEE_OTHER, HEADERS)
    return JSONResponse(_listed(new), HTTPStatus.CREATED, headers)


def _listed(comment: Comment) -> dict[str, object]:
    return {
        "id": comment.id,
        "created": comment.created.isoformat(),
        "name": comment.name,
        "text": comment.text,
    }
