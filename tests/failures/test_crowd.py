"""Rows 16, 17 and 20: many readers, a greedy one, and readers who leave."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import anyio
import pytest

from tests.conftest import Serve
from tests.failures.crowd import Answer, ask_at_once
from tests.support.fakes import fake_runs, new_run
from tests.support.http_client import (
    json_body,
    next_event,
    post_run,
    problem_body,
    read_stream,
    stream_events,
)
from tests.support.processes import wait_until

READERS = 300
JSON = {"Accept": "application/json"}
DROPPED = "run dropped: nobody watches it"


@pytest.mark.long
def test_row_16_300_readers_at_once_are_answered_within_a_second_and_the_admitted_finish(
    serve: Serve,
) -> None:
    server = serve(queue_seconds=20, address_share=1)
    server.wait_until_ready()
    answers = ask_at_once(server, [{"seed": n, "steps": 10} for n in range(READERS)])
    admitted = [answer for answer in answers if answer.status == 201]
    refused = [answer for answer in answers if answer.status != 201]
    assert len(admitted) > 1
    assert max(answer.body["position"] for answer in admitted) > 0
    assert {answer.status for answer in refused} <= {503}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    slowest = max(answer.seconds for answer in answers)
    assert slowest <= 1.0, f"the last answer came after {slowest:.2f} s"

    def end_of(answer: Answer) -> object:
        with server.new_client() as reader:
            return read_stream(reader, answer.body["id"])[-1].data["state"]

    with ThreadPoolExecutor(len(admitted)) as threads:
        assert set(threads.map(end_of, admitted)) == {"finished"}


@pytest.mark.anyio
async def test_row_17_a_greedy_reader_at_most_doubles_another_readers_wait() -> None:
    """In trainings of one length, on one slot: how many end before the other's run has."""
    ended = {}
    for greedy in (0, 3):
        async with fake_runs() as (runs, engine):
            for _ in range(greedy):
                new_run(runs, "greedy", steps=100, seeds=2)
            modest = new_run(runs, "modest", steps=100, seeds=2)
            ended[greedy] = 0
            while not modest.complete:
                (await engine.next_training()).end()
                ended[greedy] += 1
                await anyio.wait_all_tasks_blocked()
    assert ended[3] <= 2 * ended[0]


def test_row_17_a_reader_who_posts_1000_runs_holds_three(serve: Serve) -> None:
    server = serve(workers=1)
    with server.new_client() as greedy, server.new_client() as other:
        answers = [post_run(greedy, steps=400) for _ in range(1_000)]
        admitted = [json_body(answer)["id"] for answer in answers if answer.status_code == 201]
        states = [json_body(greedy.get(f"/runs/{run}", headers=JSON))["state"] for run in admitted]
        # On a slow machine some are dropped meanwhile, since nobody looks, and make room.
        assert sum(state in ("queued", "running") for state in states) <= 3
        refused = [answer for answer in answers if answer.status_code != 201]
        assert len(refused) > 900
        for answer in refused:
            problem_body(answer, 429)
            assert int(answer.headers["retry-after"]) >= 1
        assert json_body(post_run(other, steps=10))["position"] <= 3


@pytest.mark.long
def test_row_20_a_queued_run_that_nobody_watches_is_dropped_and_a_running_one_finishes(
    serve: Serve,
) -> None:
    server = serve(workers=1)
    server.wait_until_ready()
    with ExitStack() as open_until_the_end:
        first, second, *ahead = (
            open_until_the_end.enter_context(server.new_client()) for _ in range(8)
        )
        runs = json_body(post_run(first, steps=400))["id"]
        with stream_events(first, runs) as events:
            next_event(events, "points")
        # Readers take turns: a turn of each of these is more than the 15 s, all together.
        held = [json_body(post_run(reader, steps=400))["id"] for reader in ahead]
        for reader, run_id in zip(ahead, held, strict=True):
            open_until_the_end.enter_context(stream_events(reader, run_id))
        waits = json_body(post_run(second, steps=10))["id"]
        with stream_events(second, waits) as events:
            next_event(events, "queued")

        # A look at it would be a sign of life: so the log is asked.
        def dropped() -> bool:
            return any(
                DROPPED in line and waits in line for line in server.log.read_text().splitlines()
            )

        wait_until(dropped, "the run that nobody watches is dropped", 18)
        assert read_stream(second, waits)[-1].data["state"] == "stopped"
        for reader, run_id in zip(ahead, held, strict=True):
            assert reader.delete(f"/runs/{run_id}").status_code == 202
        told = read_stream(first, runs)
        assert told[-1].data["state"] == "finished"
