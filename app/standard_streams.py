"""Makes standard output and error safe: printing never ends in a traceback.

A terminal may lack characters (Windows code pages, the locale "C"), the reader of a pipe may exit,
a disk may be full, and a stream may be closed from the start.
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

# The exit code of a program that was ended by SIGPIPE, as shells report it.
EXIT_BROKEN_PIPE = 141
# Windows reports a broken pipe as an invalid argument.
BROKEN_PIPE_ERRNOS = {errno.EPIPE, errno.EINVAL} if sys.platform == "win32" else {errno.EPIPE}
# Replacements of characters that a terminal can't show; "?" would be misread: "?0.95" for "-0.95".
ASCII_REPLACEMENTS = {
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
ERROR_HANDLER = "batchnorm_plain"


class OutputNotWritable(Exception):
    """Standard output can't be written; the one-line message says why."""


def make_encoding_safe() -> None:
    """Makes stdout and stderr accept any text. Every program here calls it first.

    A stream that was closed at the start becomes the null device. Otherwise the next file that is
    opened would get its descriptor, and printed text would go into that file.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, _open_null_device(number, mode))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=ERROR_HANDLER)


def print_document(text: str) -> None:
    """Prints a document: in UTF-8 with Unix line ends if stdout is no terminal."""
    if isinstance(sys.stdout, io.TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    print(text, end="")


@contextmanager
def flush_at_end() -> Iterator[None]:
    """Flushes stdout at the end of a program.

    Raises BrokenPipeError if the reader of stdout is gone, and OutputNotWritable if stdout can't be
    written. In both cases the interpreter's own flush at exit does not fail.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if not _is_stdout_error(error):
            raise
        _discard_output()
        if error.errno in BROKEN_PIPE_ERRNOS:
            raise BrokenPipeError(errno.EPIPE, "nobody reads the output") from None
        raise OutputNotWritable(f"can't write the output: {error.strerror}") from None


def _is_stdout_error(error: OSError) -> bool:
    """Whether an error came from writing to stdout; errors of opening a file name the file."""
    write_errnos = {errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EFBIG}
    return error.filename is None and error.errno in write_errnos | BROKEN_PIPE_ERRNOS


def _discard_output() -> None:
    """Discards buffered output, so that flushing at interpreter exit can't fail."""
    with Path(os.devnull).open("wb") as null_device:
        os.dup2(null_device.fileno(), 1)
    sys.stdout.flush()


def _open_null_device(number: int, mode: str) -> IO[str]:
    opened = os.open(os.devnull, os.O_RDWR)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
    return os.fdopen(number, mode, encoding="utf-8", closefd=False)


def _replace_with_ascii(error: UnicodeError) -> tuple[str, int]:
    """A codecs error handler that replaces each character that can't be encoded by ASCII."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(ASCII_REPLACEMENTS.get(character, "?") for character in lost), error.end


codecs.register_error(ERROR_HANDLER, _replace_with_ascii)
