"""Is the server alive, can it train?"""

from dataclasses import asdict
from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from app.runs import Runs

router = APIRouter()


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answers while the event loop turns."""
    return {"status": "alive"}


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """200 once all workers are warm; until then, or when they can't be, 503 and why."""
    runs: Runs = request.app.state.runs
    health = runs.health()
    ready = health.warm == health.slots
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse({"ready": ready, **asdict(health)}, status)
