"""What the table says about an aim is so."""

import pytest

from bench.rows import HEAD, Row, cells


@pytest.mark.parametrize(("aim", "reached"), [(2.0, "yes"), (1.9, "no"), (None, "")])
def test_the_median_decides_whether_an_aim_is_reached(aim: float | None, reached: str) -> None:
    row = Row("row", [1, 2, 9], "something", aim)
    told = dict(zip(HEAD, cells(row), strict=True))
    assert told["reached"] == reached
    assert (told["median"], told["least"], told["greatest"], told["n"]) == ("2", "1", "9", "3")
