"""Routes that list and create comments."""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from app.comments import SUBJECT, Comment, Comments, parse
from app.store import BoundedExecutor
from app.web.pages import get_pages, wants_fragment, wants_json
from app.web.paths import external_url, relative_root_of_htmx_page
from app.web.request_body import read_body
from app.web.security import reader_id

router = APIRouter()

COMMENT_HEADERS = {"Cache-Control": "private, no-cache", "Vary": "Accept, HX-Request"}
# Concurrent database threads. SQLite allows one writer at a time; further writers queue.
READER_THREADS, WRITER_THREADS = 4, 1
MAX_WAITING = 10


class AsyncComments:
    """Async access to the comments. A slow disk delays only requests for comments."""

    def __init__(self, comments: Comments) -> None:
        self._comments = comments
        self._readers = BoundedExecutor(READER_THREADS, MAX_WAITING, SUBJECT)
        self._writers = BoundedExecutor(WRITER_THREADS, MAX_WAITING, SUBJECT)

    async def newest(self) -> tuple[list[Comment], int]:
        """Calls Comments.newest in a thread."""
        return await self._readers.run(self._comments.newest)

    async def add(self, values: dict[str, object], reader: str) -> Comment:
        """Calls Comments.add in a thread; also raises InvalidRequest."""
        return await self._writers.run(partial(self._comments.add, parse(values), reader))


def get_comments(request: Request) -> AsyncComments:
    """Dependency: returns this server's comments."""
    comments: AsyncComments = request.app.state.comments
    return comments


CommentsDependency = Annotated[AsyncComments, Depends(get_comments)]


@router.get("/comments")
async def list_comments(request: Request, comments: CommentsDependency) -> Response:
    """Returns the newest comments: a fragment for htmx, JSON for a script, otherwise a page."""
    newest, total = await comments.newest()
    if wants_json(request):
        return JSONResponse([_comment_json(comment) for comment in newest], headers=COMMENT_HEADERS)
    reader_id(request)
    pages = get_pages(request)
    if wants_fragment(request):
        text = pages.comments_fragment(newest, total, root=relative_root_of_htmx_page(request))
    else:
        text = pages.comments_page(newest, total)
    return HTMLResponse(text, headers=COMMENT_HEADERS)


@router.post("/comments", status_code=HTTPStatus.CREATED)
async def create_comment(request: Request, comments: CommentsDependency) -> Response:
    """Saves a comment from a form or a JSON body."""
    body = await read_body(request)
    comment = await comments.add(body.values, reader_id(request))
    location = f"comments#comment-{comment.id}"
    headers = {**COMMENT_HEADERS, "Location": external_url(request, f"/{location}")}
    if wants_fragment(request):
        newest, total = await comments.newest()
        text = get_pages(request).comments_fragment(
            newest,
            total,
            root=relative_root_of_htmx_page(request),
            name=comment.name,
            new_comment=comment,
        )
        return HTMLResponse(text, HTTPStatus.CREATED, headers)
    if body.is_form and "text/html" in request.headers.get("accept", ""):
        # A browser without scripts sent the form. The redirect is relative because a proxy may
        # serve the article below a path that the server does not know.
        return RedirectResponse(location, HTTPStatus.SEE_OTHER, COMMENT_HEADERS)
    return JSONResponse(_comment_json(comment), HTTPStatus.CREATED, headers)


def _comment_json(comment: Comment) -> dict[str, object]:
    return {
        "id": comment.id,
        "created": comment.created.isoformat(),
        "name": comment.name,
        "text": comment.text,
    }
