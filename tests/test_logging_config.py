import asyncio
import json
import logging
import re
import subprocess
import sys

import pytest

from app import logging_config
from app.errors import TrainingFailed
from app.logging_config import JsonLinesFormatter, TextFormatter
from tests.support.fakes import fake_runs, new_run, wait_end
from tests.support.processes import ROOT, environment

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def record(message: str = "said", **extra: object) -> logging.LogRecord:
    """One that was logged in this moment."""
    return logging.getLogger("app.test").makeRecord(
        "app.test", logging.INFO, __file__, 1, message, (), None, extra=extra
    )


def raised() -> logging.LogRecord:
    """One with an exception."""
    try:
        raise KeyError("lost")
    except KeyError:
        made = record()
        made.exc_info = sys.exc_info()
    return made


def test_a_line_of_text_says_when_who_what_and_about_which_run() -> None:
    line = TextFormatter().format(record(run="abc", seed=7, color_message="not ours"))
    assert re.fullmatch(rf"{TIME} INFO app\.test: said \[run=abc seed=7\]", line)
    assert re.fullmatch(rf"{TIME} INFO app\.test: said", TextFormatter().format(record()))


def test_a_line_of_json_has_the_same_as_fields() -> None:
    told = json.loads(
        JsonLinesFormatter().format(record(run="abc", seed=7, color_message="not ours"))
    )
    assert re.fullmatch(TIME, told.pop("time"))
    assert told == {
        "level": "INFO",
        "logger": "app.test",
        "message": "said",
        "run": "abc",
        "seed": 7,
    }


def test_a_traceback_is_one_field_of_one_line() -> None:
    for made in (raised(), record(traceback="Traceback\n  somewhere\nKeyError: 'lost'")):
        line = JsonLinesFormatter().format(made)
        assert "\n" not in line
        assert "KeyError: 'lost'" in json.loads(line)["traceback"]
        assert "KeyError: 'lost'" in TextFormatter().format(made).splitlines()[-1]


def test_a_line_break_in_a_message_stays_within_its_line_of_json() -> None:
    line = JsonLinesFormatter().format(record("one\ntwo\u2028three"))
    assert len(line.splitlines()) == 1
    assert json.loads(line)["message"] == "one\ntwo\u2028three"


@pytest.mark.anyio
async def test_what_one_task_notes_is_not_said_of_another(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(logging_config.add_bound_fields)
    log = logging.getLogger("app.test")
    both = asyncio.Barrier(2)

    async def say(run: str) -> None:
        logging_config.bind_fields(run=run)
        await both.wait()
        logging_config.bind_fields(worker=1)
        log.warning(run)

    await asyncio.gather(asyncio.create_task(say("a")), asyncio.create_task(say("b")))
    log.warning("nobody")
    about = {said.getMessage(): vars(said).get("run") for said in caplog.records}
    assert about == {"a": "a", "b": "b", "nobody": None}


@pytest.mark.anyio
async def test_what_a_run_says_in_the_log_carries_its_id(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    caplog.handler.addFilter(logging_config.add_bound_fields)
    async with fake_runs() as (runs, engine):
        run = new_run(runs)
        training = await engine.next_training()
        training.fail(TrainingFailed("Traceback: somewhere"))
        await wait_end(run)
    said = [(it.getMessage(), it.levelname, vars(it)["run"]) for it in caplog.records]
    assert said == [
        ("run admitted", "INFO", run.id),
        ("run failed", "ERROR", run.id),
        ("run ended: failed", "INFO", run.id),
    ]
    assert vars(caplog.records[1])["arm"] == "a"
    assert vars(caplog.records[1])["traceback"] == "Traceback: somewhere"


def test_other_libraries_lines_and_warnings_take_the_same_form() -> None:
    program = (
        "from app import logging_config; logging_config.configure('json');"
        "import logging, warnings;"
        "logging.getLogger('uvicorn.error').error('theirs');"
        "warnings.warn('beware', UserWarning)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    first, second = map(json.loads, ended.stderr.splitlines())
    assert (first["logger"], first["message"]) == ("uvicorn.error", "theirs")
    assert "beware" in second["message"]
