import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.__main__ import main
from app.comments import Comments, parse
from app.store import Store


@pytest.fixture
def comments(tmp_path: Path) -> Iterator[Comments]:
    """What the command finds: two comments."""
    path = tmp_path / "store.db"
    comments = Comments(Store(path), lambda: 1_800_000_000)
    comments.add(parse({"name": "Ann", "text": "First\nof all, [bold]thanks[/bold]."}), "a")
    comments.add(parse({"name": "Bob", "text": "many words " * 40}), "b")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BATCHNORM_STORE", str(path))
        yield comments
    logging.getLogger("app.store").setLevel(logging.NOTSET)


def test_the_comments_are_listed_with_number_date_name_and_first_words(
    comments: Comments, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["comments"]) == 0
    newest, oldest = capsys.readouterr().out.splitlines()
    assert newest.split()[:5] == ["2", "2027-01-15", "08:00", "Bob:", "many"]
    assert newest.endswith(" …")
    assert oldest.split(maxsplit=3) == [
        *("1", "2027-01-15", "08:00"),
        "Ann: First of all, [bold]thanks[/bold].",
    ]


def test_a_comment_is_removed_by_its_number(
    comments: Comments, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["comments", "--remove", "1"]) == 0
    assert capsys.readouterr().out == "removed 1, by Ann\n"
    assert [comment.id for comment in comments.newest()[0]] == [2]


@pytest.mark.parametrize("number", ["3", "0", "-1", "", "one", "1.0", "²", "9" * 18, "9" * 5000])
def test_an_unknown_number_is_one_line_and_exit_code_2(
    comments: Comments, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    assert main(["comments", f"--remove={number}"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"there is no comment {number}\n"
    assert comments.newest()[1] == 2


def test_a_store_that_can_not_be_used_is_one_line_with_its_path(
    comments: Comments, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(os.environ["BATCHNORM_STORE"])
    path.write_bytes(b"no database at all " * 300)
    assert main(["comments"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(path) in line
    assert "not a database" in line
