"""Rows 9 to 14: readers who come back, ask for nonsense, stop reading or leave."""

from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median, quantiles
from time import monotonic

import httpx
import pytest

from app.web.event_stream import RETRY_AFTER_SECONDS
from tests.conftest import NewReader, Serve
from tests.failures.watching import abort, open_stream, rest_of, wait_for_files
from tests.support.http_client import (
    FinishedRun,
    json_body,
    next_event,
    post_run,
    problem_body,
    read_stream,
    stream_events,
)
from tests.support.processes import Server, wait_until
from tests.support.sse import event_ids, event_names


def test_row_9_a_reader_who_comes_back_gets_what_was_missed(finished: FinishedRun) -> None:
    last = len(finished.events)
    for known in (0, 1, 5, last - 1):
        rest = read_stream(finished.reader, finished.created["id"], known)
        assert event_ids(rest) == list(range(known + 1, last + 1))
        assert finished.events[:known] + rest == finished.events


def test_row_9_a_reload_in_mid_run_loses_and_doubles_nothing(new_reader: NewReader) -> None:
    owner, second = new_reader(), new_reader()
    run_id = json_body(post_run(owner, steps=20))["id"]
    seen = []
    with stream_events(owner, run_id) as events:
        for event in events:
            seen.append(event)
            if event_names(seen).count("points") == 3:
                break
    seen += read_stream(second, run_id, last_event_id=seen[-1].id)
    assert event_ids(seen) == list(range(1, len(seen) + 1))
    assert seen == read_stream(owner, run_id)


def test_row_10_there_is_no_content_once_the_end_is_known(finished: FinishedRun) -> None:
    last = str(len(finished.events))
    answer = finished.reader.get(f"{finished.path}/events", headers={"Last-Event-ID": last})
    assert answer.status_code == 204
    assert answer.content == b""


@pytest.mark.parametrize("run_id", ["no-such-run", "..", "%00", "a" * 3000])
def test_row_11_a_run_that_is_not_known_is_refused_before_any_stream(
    reader: httpx.Client, run_id: str
) -> None:
    answer = reader.get(f"/runs/{run_id}/events", headers={"Accept": "text/event-stream"})
    problem_body(answer, 404)


@pytest.mark.parametrize(
    "last_id",
    ["abc", "-1", "1.5", "1e3", "+1", " 1", "0x1", "1_0", "9" * 30, "%00", "1%00", "%D9%A1", "%"],
)
def test_row_12_an_id_that_is_no_count_is_refused(finished: FinishedRun, last_id: str) -> None:
    problem_body(finished.reader.get(f"{finished.path}/events?last_event_id={last_id}"), 400)


@pytest.mark.parametrize("last_id", ["abc", "-1", "1.5", "9" * 30, "\u0661", "7 7"])
def test_row_12_a_header_that_is_no_count_is_refused(finished: FinishedRun, last_id: str) -> None:
    headers = {b"Last-Event-ID": last_id.encode()}
    problem_body(finished.reader.get(f"{finished.path}/events", headers=headers), 400)


def test_row_12_a_nul_in_the_header_is_refused(server: Server, finished: FinishedRun) -> None:
    """No client library would send it."""
    headers = "Last-Event-ID: 1\0\r\nConnection: close\r\n"
    with open_stream(server, f"{finished.path}/events", headers=headers) as connection:
        answer = rest_of(connection)
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_row_12_an_id_that_is_yet_to_come_is_refused(finished: FinishedRun) -> None:
    too_far = str(len(finished.events) + 1)
    problem_body(
        finished.reader.get(f"{finished.path}/events", headers={"Last-Event-ID": too_far}), 400
    )


@pytest.fixture(scope="module")
def long_log(server: Server) -> Iterator[FinishedRun]:
    """A finished run whose log is several times what a far reader's connection takes."""
    with server.new_client() as reader:
        created = json_body(post_run(reader, seed=7, steps=400))
        yield FinishedRun(created, read_stream(reader, created["id"]), reader)


@pytest.mark.long
def test_row_13_a_reader_who_stops_reading_is_cut_within_10_seconds_and_costs_nobody(
    server: Server, long_log: FinishedRun, finished: FinishedRun
) -> None:
    """Readers who replay a short run, with five stalled ones and without, turn about."""
    files = server.open_files()

    def p99() -> float:
        times = []
        for _ in range(200):
            asked = monotonic()
            read_stream(finished.reader, finished.created["id"])
            times.append(monotonic() - asked)
        return quantiles(times, n=100)[98]

    ratios = []
    for _ in range(7):
        alone = p99()
        with ExitStack() as stalled:
            opened = monotonic()
            for _ in range(5):
                stalled.enter_context(open_stream(server, f"{long_log.path}/events", small=True))
            crowded = p99()
            wait_for_files(server, files, seconds=opened + 10 - monotonic())
        ratios.append(crowded / alone)
    assert median(ratios) <= 1.2, f"p99 with stalled readers over p99 without: {ratios}"


def connect_and_abort(server: Server, path: str, seconds: float, a_second: int) -> None:
    """Readers who connect and leave, some before the answer and some within it."""
    begun = monotonic()
    for number in range(int(seconds * a_second)):
        connection = open_stream(server, path)
        if number % 2:
            connection.recv(1)
        abort(connection)
        pace(begun + (number + 1) / a_second)


def pace(due: float) -> None:
    """Returns at that time."""
    wait_until(lambda: monotonic() >= due, "the next one is due")


def aborted_readers_leave_nothing(server: Server, seconds: float) -> None:
    """No descriptor, no thread, no line in the log, and the run goes on."""
    with server.new_client() as reader:
        run_id = json_body(post_run(reader, steps=400, seeds=5))["id"]
        with stream_events(reader, run_id) as events:
            next_event(events, "points")
            files, threads = server.open_files(), server.thread_count()
            connect_and_abort(server, f"/runs/{run_id}/events", seconds, a_second=200)
            wait_for_files(server, files)
            wait_until(lambda: server.thread_count() <= threads, "no thread more than before")
            next_event(events, "points")
        reader.delete(f"/runs/{run_id}")
    assert "Traceback" not in server.log.read_text()


def test_row_14_readers_who_come_and_go_leave_nothing(server: Server) -> None:
    aborted_readers_leave_nothing(server, seconds=0.5)


@pytest.mark.long
def test_row_14_200_readers_a_second_who_come_and_go_leave_nothing(server: Server) -> None:
    aborted_readers_leave_nothing(server, seconds=30)


def test_a_stream_too_many_is_told_when_to_come_back(serve: Serve) -> None:
    server = serve(workers=1, streams=2)
    with server.new_client() as reader:
        run_id = json_body(post_run(reader, steps=400))["id"]
        path, closing = f"/runs/{run_id}/events", "Connection: close\r\n"
        readers = [open_stream(server, path, headers=closing) for _ in range(2)]
        for each in readers:
            assert each.recv(12) == b"HTTP/1.1 200"
        refused = reader.get(path)
        problem_body(refused, 503)
        assert refused.headers["retry-after"] == str(RETRY_AFTER_SECONDS)
        abort(readers.pop())
        wait_until(lambda: opens(reader, path), "there is room again")
        reader.delete(f"/runs/{run_id}")
        with readers.pop() as left:
            assert b"event: done" in rest_of(left)


def opens(reader: httpx.Client, path: str) -> bool:
    """Whether a stream can be opened now."""
    with reader.stream("GET", path) as answer:
        return answer.status_code == 200
