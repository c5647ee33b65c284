"""What readers write under the article: plain text, bounded in length, number and rate."""

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
# A reader is a browser session, which is easily made anew: the second bound is for all together.
PER_READER, READER_SECONDS = 3, 10 * 60
PER_SERVER, SERVER_SECONDS = 60, 60 * 60
KEPT, SHOWN = 1_000, 100
WHAT = "Comments"
# Bidirectional classes of the characters that turn the direction of what follows them.
TURNS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})


def _one_line(text: str) -> str:
    return " ".join(_printable(text).split())


def _tidy(text: str) -> str:
    lines = [line.rstrip() for line in _printable(text).splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _printable(text: str) -> str:
    """Without control characters, and without those that turn the direction of what follows."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(
        character
        for character in text
        if character == "\n"
        or (
            unicodedata.category(character) != "Cc"
            and unicodedata.bidirectional(character) not in TURNS
        )
    )


def _visible(text: str) -> str:
    if all(unicodedata.category(character)[0] in "CZM" for character in text):
        raise ValueError("nothing to see")
    return text


class NewComment(BaseModel):
    """A comment as it is sent. Lengths are counted in characters, after tidying."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[
        str, AfterValidator(_one_line), AfterValidator(_visible), Field(max_length=MAX_NAME)
    ]
    text: Annotated[
        str, AfterValidator(_tidy), AfterValidator(_visible), Field(max_length=MAX_TEXT)
    ]


BOUNDS = {
    "name": f"should have 1 to {MAX_NAME} characters",
    "text": f"should have 1 to {MAX_TEXT:,} characters",
}


def parse(values: Mapping[str, object]) -> NewComment:
    """A comment within its bounds, or InvalidRequest naming each field and its bound."""
    try:
        return NewComment.model_validate(values)
    except ValidationError as error:
        wrong = {str(detail["loc"][0]): None for detail in error.errors()}  # in order, each once
        raise InvalidRequest(
            [FieldProblem(name, BOUNDS.get(name, "is no part of a comment")) for name in wrong]
        ) from None


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as it is kept."""

    id: int
    created: datetime
    name: str
    text: str


class Comments:
    """The comments in a store. Each method is one transaction, and may wait for another's."""

    def __init__(self, store: Store, clock: Callable[[], float] = time) -> None:
        self._store = store
        self._clock = clock

    def newest(self, count: int = SHOWN) -> tuple[list[Comment], int]:
        """The newest `count`, the newest first, and how many there are. Raises StoreUnavailable."""
        with self._store.reading(WHAT) as connection:
            rows = connection.execute(
                "SELECT id, created, name, text FROM comments ORDER BY id DESC LIMIT ?", [count]
            ).fetchall()
            (total,) = connection.execute("SELECT count(*) FROM comments").fetchone()
        return [_comment(*row) for row in rows], total

    def add(self, new: NewComment, reader: str) -> Comment:
        """Keeps a comment; sent again within READER_SECONDS (a double click), it is the same one.

        Raises TooManyComments or StoreUnavailable.
        """
        now = int(self._clock())
        with self._store.writing(WHAT) as connection:
            twin = connection.execute(
                "SELECT id, created, name, text FROM comments "
                "WHERE reader = ? AND name = ? AND text = ? AND created > ?",
                [reader, new.name, new.text, now - READER_SECONDS],
            ).fetchone()
            if twin:
                return _comment(*twin)
            _admit(connection, reader, now)
            number = connection.execute(
                "INSERT INTO comments (created, reader, name, text) VALUES (?, ?, ?, ?)",
                [now, reader, new.name, new.text],
            ).lastrowid
            assert number is not None
            connection.execute(
                "DELETE FROM comments WHERE id < "
                "(SELECT id FROM comments ORDER BY id DESC LIMIT 1 OFFSET ?)",
                [KEPT - 1],
            )
        return _comment(number, now, new.name, new.text)

    def remove(self, number: int) -> Comment:
        """Removes a comment for good, and returns it. Raises UnknownComment or StoreUnavailable."""
        with self._store.writing(WHAT) as connection:
            row = connection.execute(
                "SELECT id, created, name, text FROM comments WHERE id = ?", [number]
            ).fetchone()
            connection.execute("DELETE FROM comments WHERE id = ?", [number])
        if row is None:
            raise UnknownComment(f"there is no comment {number}")
        return _comment(*row)


def _admit(connection: sqlite3.Connection, reader: str, now: int) -> None:
    of_reader = connection.execute(
        "SELECT created FROM comments WHERE reader = ? ORDER BY id DESC LIMIT 1 OFFSET ?",
        [reader, PER_READER - 1],
    ).fetchone()
    if of_reader and of_reader[0] > now - READER_SECONDS:
        raise TooManyComments(
            f"You have written {PER_READER} comments within {READER_SECONDS // 60} minutes, "
            "as many as one may.",
            _wait(of_reader[0], READER_SECONDS, now),
        )
    of_all = connection.execute(
        "SELECT created FROM comments ORDER BY id DESC LIMIT 1 OFFSET ?", [PER_SERVER - 1]
    ).fetchone()
    if of_all and of_all[0] > now - SERVER_SECONDS:
        raise TooManyComments(
            "Many comments are being written just now.", _wait(of_all[0], SERVER_SECONDS, now)
        )


def _wait(since: int, window: int, now: int) -> int:
    """Seconds until `since` is `window` ago; not more than that if a clock was turned back."""
    return max(1, min(window, math.ceil(since + window - now)))


def _comment(number: int, created: int, name: str, text: str) -> Comment:
    return Comment(number, datetime.fromtimestamp(created, UTC), name, text)
