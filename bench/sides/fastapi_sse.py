"""`python -m bench.sides.fastapi_sse`: a plain FastAPI app with FastAPI's own event stream.

As its documentation writes one, and nothing around it: no middleware, no session, no resuming.
"""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

from fastapi import FastAPI, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from app.events import Done, to_payload
from bench.sides.feed import Feed, points, serve

app = FastAPI()
feed: Feed[tuple[str, dict[str, object]]] = Feed()
tasks: set[asyncio.Task[None]] = set()


@app.post("/run", status_code=HTTPStatus.CREATED)
async def begin(response: Response) -> dict[str, str]:
    """Begins the one run."""
    tasks.add(asyncio.create_task(_fill()))
    response.headers["Location"] = "/run"
    return {"events": "/run/events"}


@app.get("/run/events", response_class=EventSourceResponse)
async def events() -> AsyncIterator[ServerSentEvent]:
    """All its events."""
    count = 0
    while items := await feed.behind(count):
        for name, payload in items:
            count += 1
            yield ServerSentEvent(id=str(count), event=name, data=payload)


@app.delete("/run", status_code=HTTPStatus.ACCEPTED)
async def end() -> None:
    """Ends it."""
    for task in tasks:
        task.cancel()
    feed.add((Done.name, to_payload(Done("stopped", 0.0))), last=True)


async def _fill() -> None:
    async for event in points("bn", 0):
        feed.add((event.name, to_payload(event)))


if __name__ == "__main__":
    serve(app)
