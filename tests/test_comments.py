from dataclasses import dataclass
from pathlib import Path

import pytest

from app.comments import (
    MAX_KEPT,
    MAX_NAME,
    MAX_PER_READER,
    MAX_PER_SERVER,
    MAX_SHOWN,
    MAX_TEXT,
    READER_WINDOW_SECONDS,
    SERVER_WINDOW_SECONDS,
    Comments,
    NewComment,
    parse,
)
from app.errors import InvalidRequest, TooManyComments, UnknownComment
from app.store import Store


@dataclass
class Clock:
    """Goes only when it is told to. Seconds since 1970."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def comments(tmp_path: Path, clock: Clock) -> Comments:
    return Comments(Store(tmp_path / "store.db"), clock)


def said(text: str, name: str = "Ann") -> NewComment:
    return parse({"name": name, "text": text})


def texts(comments: Comments) -> list[str]:
    return [comment.text for comment in comments.newest()[0]]


def test_the_newest_comment_comes_first(comments: Comments, clock: Clock) -> None:
    first = comments.add(said("first"), "a")
    clock.now += 60
    second = comments.add(said("second", "Bob"), "b")
    assert comments.newest() == ([second, first], 2)
    assert (second.name, second.text) == ("Bob", "second")
    assert second.created.timestamp() == clock.now


@pytest.mark.parametrize(
    ("values", "field", "bound"),
    [
        ({"text": "t"}, "name", "1 to 60 characters"),
        ({"name": "", "text": "t"}, "name", "1 to 60 characters"),
        ({"name": " \n ", "text": "t"}, "name", "1 to 60 characters"),
        ({"name": "\u200b\u2060", "text": "t"}, "name", "1 to 60 characters"),
        ({"name": "n" * (MAX_NAME + 1), "text": "t"}, "name", "1 to 60 characters"),
        ({"name": "Ann"}, "text", "1 to 2,000 characters"),
        ({"name": "Ann", "text": "\n\t\x00"}, "text", "1 to 2,000 characters"),
        ({"name": "Ann", "text": "t" * (MAX_TEXT + 1)}, "text", "1 to 2,000 characters"),
        ({"name": "Ann", "text": "t" * 10_000}, "text", "1 to 2,000 characters"),
        ({"name": "Ann", "text": 7}, "text", "1 to 2,000 characters"),
        ({"name": "Ann", "text": ["t"]}, "text", "1 to 2,000 characters"),
        ({"name": "Ann", "text": "\ud800"}, "text", "1 to 2,000 characters"),
        ({"name": "Ann", "text": "t", "id": "1"}, "id", "no part of a comment"),
    ],
)
def test_a_comment_out_of_bounds_is_refused_with_field_and_bound(
    values: dict[str, object], field: str, bound: str
) -> None:
    with pytest.raises(InvalidRequest) as raised:
        parse(values)
    (problem,) = raised.value.problems
    assert problem.field == field
    assert bound in problem.message


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(InvalidRequest) as raised:
        parse({"text": "", "colour": "red"})
    assert [problem.field for problem in raised.value.problems] == ["name", "text", "colour"]


@pytest.mark.parametrize("character", ["ż", "批", "🙂"])
def test_the_longest_comment_is_counted_in_characters(character: str) -> None:
    longest = parse({"name": character * MAX_NAME, "text": character * MAX_TEXT})
    assert (len(longest.name), len(longest.text)) == (MAX_NAME, MAX_TEXT)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("  spaces around \n", "spaces around"),
        ("two\r\nlines", "two\nlines"),
        ("two\rlines", "two\nlines"),
        ("much" + "\n" * 900 + "air", "much\n\nair"),
        ("a\tb", "a b"),
        ("bell\x07 null\x00 escape\x1b[31m \x9b", "bell null escape[31m"),
        ("turned \u202eround\u2066", "turned round"),
        ("עברית, العربية, \u200fkept", "עברית, العربية, \u200fkept"),
        ("👩‍🔬", "👩‍🔬"),
        ("<b>\\(x\\)</b> & {{ 7 * 7 }}", "<b>\\(x\\)</b> & {{ 7 * 7 }}"),
    ],
)
def test_a_text_is_kept_as_it_was_meant(sent: str, kept: str) -> None:
    assert said(sent).text == kept


def test_a_name_has_one_line() -> None:
    assert said("t", "Ann\nMarie \u202e Curie").name == "Ann Marie Curie"


def test_the_same_comment_again_is_the_same_comment(comments: Comments, clock: Clock) -> None:
    first = comments.add(said("once"), "a")
    clock.now += READER_WINDOW_SECONDS - 1
    assert comments.add(said("once"), "a") == first
    assert comments.add(said("once"), "b").id != first.id
    clock.now += 1
    assert comments.add(said("once"), "a").id != first.id


def test_a_double_click_is_no_second_comment_to_the_bound(comments: Comments) -> None:
    for _ in range(MAX_PER_READER + 2):
        comments.add(said("once"), "a")
    assert texts(comments) == ["once"]


def test_a_reader_who_wrote_enough_is_told_when_to_come_back(
    comments: Comments, clock: Clock
) -> None:
    for number in range(MAX_PER_READER):
        comments.add(said(str(number)), "a")
        clock.now += 100
    with pytest.raises(TooManyComments) as raised:
        comments.add(said("one more"), "a")
    assert raised.value.retry_after_s == READER_WINDOW_SECONDS - 100 * MAX_PER_READER
    comments.add(said("another's"), "b")
    clock.now += raised.value.retry_after_s - 1
    with pytest.raises(TooManyComments):
        comments.add(said("one more"), "a")
    clock.now += 1
    comments.add(said("one more"), "a")
    assert texts(comments) == ["one more", "another's", "2", "1", "0"]


def test_all_readers_together_have_a_bound_too(comments: Comments, clock: Clock) -> None:
    for number in range(MAX_PER_SERVER):
        comments.add(said(str(number)), f"reader {number}")
    with pytest.raises(TooManyComments) as raised:
        comments.add(said("one more"), "somebody new")
    assert raised.value.retry_after_s == SERVER_WINDOW_SECONDS
    clock.now += SERVER_WINDOW_SECONDS
    comments.add(said("one more"), "somebody new")
    assert comments.newest()[1] == MAX_PER_SERVER + 1


def test_a_clock_that_is_turned_back_keeps_nobody_out_for_longer(
    comments: Comments, clock: Clock
) -> None:
    for number in range(MAX_PER_READER):
        comments.add(said(str(number)), "a")
    clock.now -= 1_000_000
    with pytest.raises(TooManyComments) as raised:
        comments.add(said("one more"), "a")
    assert raised.value.retry_after_s == READER_WINDOW_SECONDS


def test_the_oldest_comments_make_room(tmp_path: Path, comments: Comments) -> None:
    with Store(tmp_path / "store.db").write_transaction("Comments") as connection:
        connection.executemany(  # one by one takes half a minute
            "INSERT INTO comments (created, reader, name, text) VALUES (0, '', 'Ann', ?)",
            [(str(number),) for number in range(MAX_KEPT)],
        )
    assert comments.newest()[1] == MAX_KEPT
    for number in (MAX_KEPT, MAX_KEPT + 1):
        comments.add(said(str(number)), "a")
    shown, total = comments.newest()
    assert total == MAX_KEPT
    assert len(shown) == MAX_SHOWN
    everything, _ = comments.newest(MAX_KEPT)
    assert [comment.text for comment in everything] == [str(n) for n in range(MAX_KEPT + 1, 1, -1)]


def test_a_removed_comment_is_gone_and_its_number_is_not_given_again(comments: Comments) -> None:
    comments.add(said("stays"), "a")
    spam = comments.add(said("spam"), "a")
    assert comments.remove(spam.id) == spam
    assert texts(comments) == ["stays"]
    with pytest.raises(UnknownComment, match=str(spam.id)):
        comments.remove(spam.id)
    assert comments.add(said("later"), "a").id > spam.id
