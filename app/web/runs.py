"""Runs over HTTP: create, stop, watch, take away."""

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
from app.web.event_stream import EventStream, Streams, poll
from app.web.pages import pages_of, receipt_of, wants_fragment
from app.web.paths import HEAD, absolute, root_of_asking_page
from app.web.request_body import read_body
from app.web.security import MAX_ID_DIGITS, MAX_KEY_LENGTH, reader_of

router = APIRouter()


async def runs_of(request: Request) -> RunScheduler:
    """The runs of this server. Not `def`, which FastAPI would give a thread of its own."""
    runs: RunScheduler = request.app.state.runs
    return runs


AllRuns = Annotated[RunScheduler, Depends(runs_of)]


@router.get("/experiments")
async def experiments() -> list[dict[str, object]]:
    """What can be trained, with bounds, and what is measured."""
    return [_listed(experiment) for experiment in EXPERIMENTS.values()]


@router.post("/experiments/{slug}/runs", status_code=HTTPStatus.CREATED)
async def create_run(
    request: Request,
    runs: AllRuns,
    slug: str,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=MAX_KEY_LENGTH)] = None,
) -> Response:
    """Admits a run from a form or from JSON; it trains whether or not anybody watches."""
    experiment = find(slug)
    asked = await _parse(request, experiment)
    reader, address = reader_of(request), request.client.host if request.client else ""
    run = runs.create(experiment, asked, reader, idempotency_key, address)
    headers = {"Location": absolute(request, f"/runs/{run.id}")}
    if wants_fragment(request):
        panel = pages_of(request).panel(run, reader, root=root_of_asking_page(request))
        return HTMLResponse(panel, HTTPStatus.CREATED, headers)
    events = absolute(request, f"/runs/{run.id}/events")
    return JSONResponse({**_created(run), "events": events}, HTTPStatus.CREATED, headers)


@router.delete("/runs/{run_id}", status_code=HTTPStatus.ACCEPTED)
async def stop_run(request: Request, runs: AllRuns, run_id: str) -> Response:
    """Stops a run, for the session that started it.

    Where several asked for it, it is stopped for this one and goes on for the others.
    """
    run, reader = await runs.find(run_id), reader_of(request)
    runs.stop(run, reader)
    if wants_fragment(request):
        panel = pages_of(request).panel(run, reader, root=root_of_asking_page(request))
        return HTMLResponse(panel, HTTPStatus.ACCEPTED)
    state = {"id": run.id, "state": run.state_for(reader)}
    return JSONResponse(state, HTTPStatus.ACCEPTED)


@router.get("/runs/{run_id}/events")
async def events(
    request: Request,
    runs: AllRuns,
    run_id: str,
    *,
    header: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
    query: Annotated[str | None, Query(alias="last_event_id")] = None,
    wait: Annotated[Literal["0", "1"], Query()] = "1",
) -> Response:
    """The run's log as a stream, from behind the last event that the reader has.

    With `wait=0`, what the log has now, as JSON. To find the run counts as watching it for a while.
    """
    run = await runs.find(run_id)
    log = run.log
    last_id = _last_id(header or query or "0", len(log))
    if log.closed and last_id == len(log):
        return Response(status_code=HTTPStatus.NO_CONTENT)
    streams: Streams = request.app.state.streams
    if wait == "0":
        return poll(log, last_id, streams)
    if request.scope.get(HEAD):
        return EventStream.head()
    return EventStream(log, last_id, streams, run.watch())


@router.get("/runs/{run_id}/metrics.csv")
async def metrics(runs: AllRuns, run_id: str) -> Response:
    """All points measured so far, tidy: arm, seed, step, metric, value."""
    run = await runs.find(run_id)
    # Of ten seeds it takes 50 ms and more; while a run lives, its points may not move meanwhile.
    text = await to_thread.run_sync(run.measured.csv) if run.done else run.measured.csv()
    return Response(text, media_type="text/csv", headers=_download(f"{run.file_name}.csv"))


@router.get("/runs/{run_id}/receipt.json")
async def receipt(request: Request, runs: AllRuns, run_id: str) -> JSONResponse:
    """The run's receipt as a file, for `python -m app verify`."""
    run = await runs.find(run_id)
    return JSONResponse(receipt_of(request, run), headers=_download(f"{run.file_name}.json"))


def _download(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }


async def _parse(request: Request, experiment: Experiment) -> RunRequest:
    """JSON is taken strictly; a form's texts are read as numbers, and empty ones are left out."""
    sent = await read_body(request)
    if sent.form:
        return experiment.parse({k: v for k, v in sent.values.items() if v != ""}, text=True)
    return experiment.parse(sent.values)


def _last_id(text: str, length: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_ID_DIGITS):
        raise HTTPException(
            HTTPStatus.BAD_REQUEST, "Last-Event-ID: should be a non-negative integer"
        )
    if int(text) > length:
        raise HTTPException(
            HTTPStatus.BAD_REQUEST, f"Last-Event-ID: this run has {length} events so far"
        )
    return int(text)


def _created(run: Run) -> dict[str, object]:
    waits = run.state == "queued" and run.queued
    return {
        "id": run.id,
        "slug": run.experiment.slug,
        "seed": run.request.seed,
        "seeds": run.request.seeds,
        "parameters": run.request.parameters(),
        "state": run.state,
        "position": waits.position if waits else 0,
        "eta_s": waits.eta_s if waits else 0.0,
        "shared": len(run.owners) > 1,
    }


def _listed(experiment: Experiment) -> dict[str, object]:
    return {
        "slug": experiment.slug,
        "title": experiment.title,
        "claim": experiment.claim,
        "arms": [{"id": arm.id, "label": arm.label} for arm in experiment.arms],
        "metrics": [asdict(metric) for metric in experiment.metrics],
        "parameters": [asdict(parameter) for parameter in experiment.parameters],
        "steps": experiment.steps,
    }
