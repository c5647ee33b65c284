"""Readers' comments: plain text, limited in length, number and rate."""

import math
import re
import sqlite3
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from time import time
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from app.errors import FieldProblem, InvalidRequest, TooManyComments, UnknownComment
from app.store import Store

MAX_NAME, MAX_TEXT = 60, 2_000
# A reader is a browser session, which is easy to recreate; the second limit is for all readers.
MAX_PER_READER, READER_WINDOW_SECONDS = 3, 10 * 60
MAX_PER_SERVER, SERVER_WINDOW_SECONDS = 60, 60 * 60
MAX_KEPT, MAX_SHOWN = 1_000, 100
SUBJECT = "Comments"
# The bidirectional classes of characters that change the text direction.
BIDI_CONTROLS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def _collapse_whitespace(text: str) -> str:
    return " ".join(_strip_control_characters(text).split())


def _normalize_lines(text: str) -> str:
    lines = [line.rstrip() for line in _strip_control_characters(text).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _strip_control_characters(text: str) -> str:
    """Removes control characters and characters that change the text direction."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(
        character
        for character in text
        if character == "\n"
        or (
            unicodedata.category(character) != "Cc"
            and unicodedata.bidirectional(character) not in BIDI_CONTROLS
        )
    )


def _require_visible(text: str) -> str:
    if all(unicodedata.category(character)[0] in "CZM" for character in text):
        raise ValueError("nothing to see")
    return text


class NewComment(BaseModel):
    """A comment as it is submitted. Lengths are in characters, after normalization."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[
        str,
        AfterValidator(_collapse_whitespace),
        AfterValidator(_require_visible),
        Field(max_length=MAX_NAME),
    ]
    text: Annotated[
        str,
        AfterValidator(_normalize_lines),
        AfterValidator(_require_visible),
        Field(max_length=MAX_TEXT),
    ]


FIELD_LIMITS = {
    "name": f"should have 1 to {MAX_NAME} characters",
    "text": f"should have 1 to {MAX_TEXT:,} characters",
}


def parse(values: Mapping[str, object]) -> NewComment:
    """Validates a comment. Raises InvalidRequest, which names each invalid field and its limit."""
    try:
        return NewComment.model_validate(values)
    except ValidationError as error:
        wrong = {
            str(detail["loc"][0]): None for detail in error.errors()
        }  # ordered, without duplicates
        raise InvalidRequest(
            [
                FieldProblem(name, FIELD_LIMITS.get(name, "is no part of a comment"))
                for name in wrong
            ]
        ) from None


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as it is stored."""

    id: int
    created: datetime
    name: str
    text: str


class Comments:
    """The comments in a store. Each method is one transaction and may block."""

    def __init__(self, store: Store, clock: Callable[[], float] = time) -> None:
        self._store = store
        self._clock = clock

    def newest(self, count: int = MAX_SHOWN) -> tuple[list[Comment], int]:
        """The newest `count` comments, newest first, and their total. Raises StoreUnavailable."""
        with self._store.read_transaction(SUBJECT) as connection:
            rows = connection.execute(
                "SELECT id, created, name, text FROM comments ORDER BY id DESC LIMIT ?", [count]
            ).fetchall()
            (total,) = connection.execute("SELECT count(*) FROM comments").fetchone()
        return [_comment(*row) for row in rows], total

    def add(self, new: NewComment, reader: str) -> Comment:
        """Stores a comment. A repetition within READER_WINDOW_SECONDS returns the first comment.

        Raises TooManyComments or StoreUnavailable.
        """
        now = int(self._clock())
        with self._store.write_transaction(SUBJECT) as connection:
            duplicate = connection.execute(
                "SELECT id, created, name, text FROM comments "
                "WHERE reader = ? AND name = ? AND text = ? AND created > ?",
                [reader, new.name, new.text, now - READER_WINDOW_SECONDS],
            ).fetchone()
            if duplicate:
                return _comment(*duplicate)
            _check_rate(connection, reader, now)
            number = connection.execute(
                "INSERT INTO comments (created, reader, name, text) VALUES (?, ?, ?, ?)",
                [now, reader, new.name, new.text],
            ).lastrowid
            assert number is not None
            connection.execute(
                "DELETE FROM comments WHERE id < "
                "(SELECT id FROM comments ORDER BY id DESC LIMIT 1 OFFSET ?)",
                [MAX_KEPT - 1],
            )
        return _comment(number, now, new.name, new.text)

    def remove(self, number: int) -> Comment:
        """Deletes a comment and returns it. Raises UnknownComment or StoreUnavailable."""
        with self._store.write_transaction(SUBJECT) as connection:
            row = connection.execute(
                "SELECT id, created, name, text FROM comments WHERE id = ?", [number]
            ).fetchone()
            connection.execute("DELETE FROM comments WHERE id = ?", [number])
        if row is None:
            raise UnknownComment(f"there is no comment {number}")
        return _comment(*row)


def _check_rate(connection: sqlite3.Connection, reader: str, now: int) -> None:
    of_reader = connection.execute(
        "SELECT created FROM comments WHERE reader = ? ORDER BY id DESC LIMIT 1 OFFSET ?",
        [reader, MAX_PER_READER - 1],
    ).fetchone()
    if of_reader and of_reader[0] > now - READER_WINDOW_SECONDS:
        raise TooManyComments(
            f"You have written {MAX_PER_READER} comments within "
            f"{READER_WINDOW_SECONDS // 60} minutes, which is the limit.",
            _retry_after_s(of_reader[0], READER_WINDOW_SECONDS, now),
        )
    of_all = connection.execute(
        "SELECT created FROM comments ORDER BY id DESC LIMIT 1 OFFSET ?", [MAX_PER_SERVER - 1]
    ).fetchone()
    if of_all and of_all[0] > now - SERVER_WINDOW_SECONDS:
        raise TooManyComments(
            "Many comments are being written just now.",
            _retry_after_s(of_all[0], SERVER_WINDOW_SECONDS, now),
        )


def _retry_after_s(since: int, window: int, now: int) -> int:
    """Seconds until `since` is `window` seconds ago; at most `window` if a clock was set back."""
    return max(1, min(window, math.ceil(since + window - now)))


def _comment(number: int, created: int, name: str, text: str) -> Comment:
    return Comment(number, datetime.fromtimestamp(created, UTC), name, text)
