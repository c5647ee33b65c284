"""Health checks: liveness and readiness."""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from app.runs.scheduler import RunScheduler
from app.store import Store

router = APIRouter()


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Liveness: responds as long as the event loop runs."""
    return {"status": "alive"}


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Readiness: 200 once all workers are warm, otherwise 503 with the reason in `problem`.

    `store` describes a problem with the store, which affects comments but not training.
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
