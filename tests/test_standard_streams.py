"""Every command in terminals that know few characters, and without a reader, a disk, a stream."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from app import standard_streams
from app.article.lessons import markdown
from app.comments import Comments, parse
from app.store import Store
from tests.support.processes import ROOT, TIMEOUT

# The last one is Python where the locale is "C" and nothing mends that.
TERMINALS: Mapping[str, Mapping[str, str]] = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "latin-1": {"PYTHONIOENCODING": "latin-1:strict"},
    "C": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}
each_terminal = pytest.mark.parametrize("terminal", TERMINALS)
# Any file that is opened without its encoding is an error in what these tests start.
PYTHON = [sys.executable, "-X", "warn_default_encoding"]
STRICT = {"PYTHONWARNINGS": "error::EncodingWarning"}
QUICK = ["--seed", "7", "--set", "steps=10"]


def run(terminal: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A Python whose output is piped; `arguments` as for python."""
    return subprocess.run(
        [*PYTHON, *arguments],
        cwd=ROOT,
        env={**os.environ, **STRICT, **TERMINALS[terminal], **environment},
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
    )


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line of shell, in which python is this one; its exit code is that of its first command."""
    line = f'python() {{ "{sys.executable}" "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", line],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


@each_terminal
def test_commands_that_train_nothing_print_in_any_terminal(terminal: str, tmp_path: Path) -> None:
    """One process for all of them, since its start takes longer than they do."""
    store = tmp_path / "store.db"
    Comments(Store(store)).add(parse({"name": "Zoë", "text": "γ ≥ 0 — 數學"}), "reader")
    script = (
        "import sys; from app.__main__ import main; "
        "codes = [main(line.split('|')) for line in sys.argv[1:]]; print(codes)"
    )
    commands = ["list", "comments", "comments|--remove|1", "train|nö", "verify|nö.json"]
    ended = run(
        terminal, "-c", script, *commands, f"export|{tmp_path / 'site'}", BATCHNORM_STORE=str(store)
    )
    said, complaints = ended.stdout.decode("latin-1"), ended.stderr.decode("latin-1")
    assert said.splitlines()[-1] == "[0, 0, 0, 2, 2, 0]", complaints
    assert "Traceback" not in complaints
    assert "removed 1, by Zo" in said
    assert "gamma >= 0" in said


@pytest.mark.parametrize("terminal", ["cp1252", "ascii"])
def test_commands_that_train_print_in_any_terminal(
    terminal: str, tmp_path: Path, cache_dir: Path
) -> None:
    script = (
        "import contextlib, io, sys; from pathlib import Path; from app.__main__ import main; "
        "from app import cli; quick = sys.argv[2:]; receipt = Path(sys.argv[1], 'receipt.json')\n"
        "codes = [main(['train', 'smoothness', *quick])]\n"
        "with contextlib.redirect_stdout(io.StringIO()) as printed:\n"
        "    codes.append(main(['train', 'smoothness', *quick, '--json']))\n"
        "receipt.write_text(printed.getvalue(), encoding='utf-16')\n"
        "codes.append(main(['verify', str(receipt)]))\n"
        "codes.append(main(['claims', 'norms', '--seed', '7', '--seeds', '1', *quick[2:]]))\n"
        "print(codes)"
    )
    ended = run(
        terminal,
        *("-c", script, str(tmp_path), *QUICK),
        BATCHNORM_ENGINE="inline",
        BATCHNORM_DEVICE="cpu",
        BATCHNORM_CACHE_DIR=str(cache_dir),
    )
    receipt = (tmp_path / "receipt.json").read_text(encoding="utf-16")
    assert receipt.isascii()  # whatever the terminal's encoding is, it stays JSON
    said, complaints = ended.stdout.decode("latin-1"), ended.stderr.decode("latin-1")
    *_, codes = said.splitlines()
    assert codes in ("[0, 0, 0, 0]", "[0, 0, 0, 1]"), complaints
    assert "Traceback" not in complaints
    assert "The same numbers, digit for digit" in said
    assert ">= `none`" in said


@each_terminal
def test_documents_are_utf_8_and_programs_of_bench_print_in_any_terminal(terminal: str) -> None:
    assert run(terminal, "-m", "app.article.lessons").stdout.decode("utf-8") == markdown()
    helped = run(terminal, "-c", "import bench; print('\\u03b2 \\u2265 \\u22121 \\udcff')")
    assert helped.returncode == 0, helped.stderr
    if terminal == "ascii":
        assert helped.stdout.decode() == "beta >= -1 ?\n"


@pytest.mark.parametrize("environment", [{}, {"TERM": "dumb"}, {"NO_COLOR": "1"}, {"COLUMNS": "7"}])
def test_a_terminal_of_another_kind_is_written_to(environment: dict[str, str]) -> None:
    """A real one, though it knows no more than a code page of Windows."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*PYTHON, "-m", "app", "list"],
        cwd=ROOT,
        env={**os.environ, **STRICT, **TERMINALS["cp1252"], "TERM": "xterm", **environment},
        stdout=theirs,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # by which Linux says that the other end is closed
            pass
        assert process.stderr is not None
        assert process.stderr.read() == b""
    os.close(ours)
    assert process.returncode == 0
    assert re.sub(rb"[\r\n]", b"", shown[:60]).find(b"learnin") >= 0
    if "NO_COLOR" in environment or environment.get("TERM") == "dumb":
        assert b"\x1b[3" not in shown


@pytest.mark.parametrize("what", ["python -m app list", "python -m app.article.lessons"])
def test_a_reader_who_leaves_ends_it_quietly(what: str) -> None:
    ended = shell(f'{what} | head -n 1; echo "${{PIPESTATUS[0]}}"')
    first, code = ended.stdout.splitlines()
    assert first
    assert code in ("0", "1", str(standard_streams.EXIT_BROKEN_PIPE))
    assert ended.stderr == ""


def test_a_reader_who_is_gone_from_the_start_ends_it_quietly(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    Comments(Store(store)).add(parse({"name": "Zoë", "text": "γ"}), "reader")
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, "-m", "app", "comments"],
        cwd=ROOT,
        env={**os.environ, "BATCHNORM_STORE": str(store)},
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=TIMEOUT,
        check=False,
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (standard_streams.EXIT_BROKEN_PIPE, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
@pytest.mark.parametrize("command", ["list", "comments"])
def test_output_that_can_not_be_kept_is_one_line(command: str, tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    Comments(Store(store)).add(parse({"name": "Zoë", "text": "γ"}), "reader")
    ended = shell(f"python -m app {command} > /dev/full", BATCHNORM_STORE=str(store))
    assert ended.returncode == 1
    assert ended.stderr == "can't write the output: No space left on device\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_from_the_start_is_the_null_device(
    closed: str, tmp_path: Path
) -> None:
    """Or the store would be opened as file 1, and be written to by whatever prints."""
    store = tmp_path / "store.db"
    Comments(Store(store)).add(parse({"name": "Zoë", "text": "γ"}), "reader")
    ended = shell(f"python -m app comments {closed}", BATCHNORM_STORE=str(store))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert Comments(Store(store)).newest()[1] == 1


def test_every_character_that_has_a_plain_form_is_one_and_the_form_is_ascii() -> None:
    assert all(len(character) == 1 for character in standard_streams.ASCII_REPLACEMENTS)
    assert "".join(standard_streams.ASCII_REPLACEMENTS.values()).isascii()
    assert "−0.95 … 數".encode("ascii", standard_streams.ERROR_HANDLER) == b"-0.95 ... ?"
    assert "’é".encode("latin-1", standard_streams.ERROR_HANDLER) == b"'\xe9"


def test_only_encoding_is_made_safe() -> None:
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", standard_streams.ERROR_HANDLER)
