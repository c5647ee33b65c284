"""Routes that create, stop, stream and download runs."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from app.experiments import EXPERIMENTS, find
from app.experiments.definition import Experiment, RunRequest
from app.runs.run import Run
from app.runs.scheduler import RunScheduler
from app.web.event_stream import EventStream, StreamRegistry, poll_response
from app.web.pages import get_pages, receipt_with_address, wants_fragment
from app.web.paths import IS_HEAD, external_url, relative_root_of_htmx_page
from app.web.request_body import read_body
from app.web.security import MAX_EVENT_ID_DIGITS, MAX_IDEMPOTENCY_KEY_LENGTH, reader_id

router = APIRouter()


async def get_runs(request: Request) -> RunScheduler:
    """Dependency: returns this server's runs. It is async because FastAPI would use a thread."""
    runs: RunScheduler = request.app.state.runs
    return runs


RunsDependency = Annotated[RunScheduler, Depends(get_runs)]


@router.get("/experiments")
async def list_experiments() -> list[dict[str, object]]:
    """Lists the experiments with their parameters, bounds and metrics."""
    return [_experiment_json(experiment) for experiment in EXPERIMENTS.values()]


@router.post("/experiments/{slug}/runs", status_code=HTTPStatus.CREATED)
async def create_run(
    request: Request,
    runs: RunsDependency,
    slug: str,
    idempotency_key: Annotated[
        str | None, Header(min_length=1, max_length=MAX_IDEMPOTENCY_KEY_LENGTH)
    ] = None,
) -> Response:
    """Creates a run from a form or a JSON body. It trains whether or not anybody watches."""
    experiment = find(slug)
    run_request = await _parse_run_request(request, experiment)
    reader, address = reader_id(request), request.client.host if request.client else ""
    run = runs.create(experiment, run_request, reader, idempotency_key, address)
    headers = {"Location": external_url(request, f"/runs/{run.id}")}
    if wants_fragment(request):
        panel = get_pages(request).panel(run, reader, root=relative_root_of_htmx_page(request))
        return HTMLResponse(panel, HTTPStatus.CREATED, headers)
    events = external_url(request, f"/runs/{run.id}/events")
    return JSONResponse({**_run_json(run), "events": events}, HTTPStatus.CREATED, headers)


@router.delete("/runs/{run_id}", status_code=HTTPStatus.ACCEPTED)
async def stop_run(request: Request, runs: RunsDependency, run_id: str) -> Response:
    """Stops a run on behalf of a session that requested it.

    If several sessions requested it, it stops for this one and goes on for the others.
    """
    run, reader = await runs.find(run_id), reader_id(request)
    runs.stop(run, reader)
    if wants_fragment(request):
        panel = get_pages(request).panel(run, reader, root=relative_root_of_htmx_page(request))
        return HTMLResponse(panel, HTTPStatus.ACCEPTED)
    state = {"id": run.id, "state": run.state_for(reader)}
    return JSONResponse(state, HTTPStatus.ACCEPTED)


@router.get("/runs/{run_id}/events")
async def stream_events(
    request: Request,
    runs: RunsDependency,
    run_id: str,
    *,
    header: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
    query: Annotated[str | None, Query(alias="last_event_id")] = None,
    wait: Annotated[Literal["0", "1"], Query()] = "1",
) -> Response:
    """Streams the run's events after the last one that the client has.

    With `wait=0`, returns the events logged so far as JSON. Each request counts as watching the run
    for a while.
    """
    run = await runs.find(run_id)
    log = run.log
    last_id = _parse_last_event_id(header or query or "0", len(log))
    if log.closed and last_id == len(log):
        return Response(status_code=HTTPStatus.NO_CONTENT)
    streams: StreamRegistry = request.app.state.streams
    if wait == "0":
        return poll_response(log, last_id, streams)
    if request.scope.get(IS_HEAD):
        return EventStream.headers_only()
    return EventStream(log, last_id, streams, run.watch())


@router.get("/runs/{run_id}/metrics.csv")
async def download_csv(runs: RunsDependency, run_id: str) -> Response:
    """All points so far as tidy CSV: arm, seed, step, metric, value."""
    run = await runs.find(run_id)
    # Ten seeds take 50 ms or more, so a finished run's CSV is written in a thread. A live run's
    # points must not change while they are written, so that stays on the event loop.
    text = await to_thread.run_sync(run.measured.csv) if run.done else run.measured.csv()
    return Response(text, media_type="text/csv", headers=_download_headers(f"{run.file_name}.csv"))


@router.get("/runs/{run_id}/receipt.json")
async def download_receipt(request: Request, runs: RunsDependency, run_id: str) -> JSONResponse:
    """The run's receipt as a file, for `python -m app verify`."""
    run = await runs.find(run_id)
    return JSONResponse(
        receipt_with_address(request, run), headers=_download_headers(f"{run.file_name}.json")
    )


def _download_headers(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }


async def _parse_run_request(request: Request, experiment: Experiment) -> RunRequest:
    """Parses JSON values strictly; converts a form's strings to numbers and ignores empty ones."""
    body = await read_body(request)
    if body.is_form:
        return experiment.parse({k: v for k, v in body.values.items() if v != ""}, text=True)
    return experiment.parse(body.values)


def _parse_last_event_id(text: str, length: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_EVENT_ID_DIGITS):
        raise HTTPException(
            HTTPStatus.BAD_REQUEST, "Last-Event-ID: should be a non-negative integer"
        )
    if int(text) > length:
        raise HTTPException(
            HTTPStatus.BAD_REQUEST, f"Last-Event-ID: this run has {length} events so far"
        )
    return int(text)


def _run_json(run: Run) -> dict[str, object]:
    queue_place = run.state == "queued" and run.queued
    return {
        "id": run.id,
        "slug": run.experiment.slug,
        "seed": run.request.seed,
        "seeds": run.request.seeds,
        "parameters": run.request.parameters(),
        "state": run.state,
        "position": queue_place.position if queue_place else 0,
        "eta_s": queue_place.eta_s if queue_place else 0.0,
        "shared": len(run.owners) > 1,
    }


def _experiment_json(experiment: Experiment) -> dict[str, object]:
    return {
        "slug": experiment.slug,
        "title": experiment.title,
        "claim": experiment.claim,
        "arms": [{"id": arm.id, "label": arm.label} for arm in experiment.arms],
        "metrics": [asdict(metric) for metric in experiment.metrics],
        "parameters": [asdict(parameter) for parameter in experiment.parameters],
        "steps": experiment.steps,
    }
