"""Row 7, its second half: what had finished is there when the server starts again."""

import os
import signal
from pathlib import Path

from tests.conftest import Serve
from tests.support.http_client import json_body, post_run, read_stream

JSON = {"Accept": "application/json"}


def test_row_7_after_a_kill_the_next_start_finds_finished_runs_intact(
    serve: Serve, tmp_path: Path
) -> None:
    store = tmp_path / "kept" / "store.db"
    server = serve(workers=1, store=store)
    with server.new_client() as reader:
        run_id = json_body(post_run(reader, steps=10, seeds=2))["id"]
        told = read_stream(reader, run_id)
        assert told[-1].data["state"] == "finished"
        paths = [f"/runs/{run_id}", f"/runs/{run_id}/metrics.csv", f"/runs/{run_id}/receipt.json"]
        before = [reader.get(path, headers=JSON).content for path in paths]
        cut = json_body(post_run(reader, steps=400))["id"]
        os.kill(server.pid, signal.SIGKILL)  # in mid-run
    again = serve(workers=1, store=store)
    with again.new_client() as reader:
        assert [reader.get(path, headers=JSON).content for path in paths] == before
        assert read_stream(reader, run_id) == told
        assert read_stream(reader, run_id, last_event_id=3) == told[3:]
        page = reader.get(f"/runs/{run_id}", headers={"Accept": "text/html"})
        assert told[-2].data["text"] in page.text
        assert reader.get(f"/runs/{cut}", headers=JSON).status_code == 404
