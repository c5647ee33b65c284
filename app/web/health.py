"""Is the server alive, can it train?"""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from app.runs.scheduler import RunScheduler
from app.store import Store

router = APIRouter()


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answers while the event loop turns."""
    return {"status": "alive"}


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """200 once all workers are warm; until then, or when they can't be, 503 and why.

    `store` says what is wrong with the store, if anything is: it costs comments, not training.
    """
    runs: RunScheduler = request.app.state.runs
    store: Store = request.app.state.store
    health = runs.health()
    ready = health.warm == health.slots
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    shown = {
        "ready": ready,
        "slots": health.slots,
        "warm": health.warm,
        "problem": health.problem or health.starting,
    }
    return JSONResponse({**shown, "store": store.problem}, status)
