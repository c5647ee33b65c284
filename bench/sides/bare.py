"""`python -m bench.sides.bare`: the floor. An ASGI function that sends bytes encoded once."""

import asyncio
import json

from starlette.types import Receive, Scope, Send

from app.events import Done, Event, encode
from bench.sides.feed import Feed, points, serve

feed: Feed[bytes] = Feed()
tasks: set[asyncio.Task[None]] = set()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Begins, streams and ends the one run."""
    match scope["type"], scope.get("method"):
        case "http", "POST":
            tasks.add(asyncio.create_task(_fill()))
            await _answer(send, json.dumps({"events": "/run/events"}).encode())
        case "http", "DELETE":
            for task in tasks:
                task.cancel()
            _add(Done("stopped", 0.0), last=True)
            await _answer(send, b"")
        case "http", _:
            await _stream(send)
        case _:
            raise NotImplementedError  # which tells uvicorn that there is no lifespan


async def _stream(send: Send) -> None:
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    count = 0
    while entries := await feed.behind(count):
        count += len(entries)
        await send({"type": "http.response.body", "body": b"".join(entries), "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _answer(send: Send, body: bytes) -> None:
    headers = [(b"location", b"/run"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _fill() -> None:
    async for event in points("bn", 0):
        _add(event)


def _add(event: Event, *, last: bool = False) -> None:
    feed.add(encode(event, len(feed.items) + 1), last=last)


if __name__ == "__main__":
    serve(app)
