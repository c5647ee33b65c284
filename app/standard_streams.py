"""Standard output and error of any terminal: nothing that is printed ends in a traceback.

A terminal may know few characters (Windows code pages, the locale "C"), the reader of a pipe may
leave, a disk may be full, and a stream may be closed from the start.
"""

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

# What a shell reports of a program that the system ended because nobody read its output.
NOBODY_READS = 141
# Windows has no word of its own for a reader who left, and calls that an invalid argument.
NOT_READ = {errno.EPIPE, errno.EINVAL} if sys.platform == "win32" else {errno.EPIPE}
# Stands for what a terminal can't show and would be misread without: "?0.95" is no "-0.95".
PLAIN = {
    "−": "-",
    "–": "-",
    "—": "-",
    "×": "x",
    "·": "*",
    "≥": ">=",
    "≤": "<=",
    "≈": "~",
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
    "…": "...",
    "→": "->",
    "\u00a0": " ",
    "±": "+-",
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "ε": "epsilon",
    "η": "eta",
    "θ": "theta",
    "μ": "mu",
    "µ": "mu",
    "σ": "sigma",
    "π": "pi",
    "Δ": "Delta",
    "ℓ": "l",
    "∞": "inf",
    "√": "sqrt",
    "¼": "1/4",
    "½": "1/2",
    "¾": "3/4",
    "²": "^2",
    "³": "^3",
    "⁴": "^4",
    "⁵": "^5",
    "⁶": "^6",
    "⁷": "^7",
    "⁸": "^8",
}
ERRORS = "batchnorm_plain"


class OutputLost(Exception):
    """Standard output can't be written: the message is one line that says why."""


def make_safe() -> None:
    """Called first by every program here. From then on, stdout and stderr take any text.

    A stream that was closed at the start is the null device: else the next file that is opened
    would get its number, and whatever is printed would be written into that file.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, _null_device(number, mode))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERRORS)


def print_document(text: str) -> None:
    """Prints what is to become a file: UTF-8 with plain line ends, unless a terminal shows it."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    print(text, end="")


@contextmanager
def flushed() -> Iterator[None]:
    """Around all that a program does. Raises BrokenPipeError if nobody reads its output any more,
    OutputLost if it can't be written; either way the interpreter's own end is quiet.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if not _is_of_stdout(error):
            raise
        _drop_output()
        if error.errno in NOT_READ:
            raise BrokenPipeError(errno.EPIPE, "nobody reads the output") from None
        raise OutputLost(f"can't write the output: {error.strerror}") from None


def _is_of_stdout(error: OSError) -> bool:
    """An error of writing to a file that is open: what opens a file names it."""
    of_writing = {errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EFBIG}
    return error.filename is None and error.errno in of_writing | NOT_READ


def _drop_output() -> None:
    """Discards buffered output, so that flushing at interpreter exit can't fail."""
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    sys.stdout.flush()


def _null_device(number: int, mode: str) -> IO[str]:
    opened = os.open(os.devnull, os.O_RDWR)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
    return os.fdopen(number, mode, encoding="utf-8", closefd=False)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """An error handler of codecs: each character that can't be encoded, in ASCII."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(PLAIN.get(character, "?") for character in lost), error.end


codecs.register_error(ERRORS, _plain)
