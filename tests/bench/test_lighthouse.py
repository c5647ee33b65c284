import shutil
from pathlib import Path

from app.reproducibility.claims_table import replace_block
from bench.lighthouse import MARK, complaints, figure, table
from tests.support.processes import ROOT


def report(score: float) -> dict[str, object]:
    """As Lighthouse tells it, in part: a category's score and the one audit it comes from."""
    names = ("performance", "accessibility", "best-practices", "seo")
    refs = [{"id": "speed", "weight": 1}, {"id": "advice", "weight": 0}]
    categories = {name: {"title": name, "score": score, "auditRefs": refs} for name in names}
    audit = {"title": "Speed", "score": score, "displayValue": "2 s"}
    return {"categories": categories, "audits": {"speed": audit, "advice": audit}}


def test_a_figure_is_a_median_with_its_range_where_there_is_one() -> None:
    assert figure([report(1.0), report(1.0)], "seo") == "100"
    assert figure([report(0.7), report(0.9), report(0.8)], "performance") == "80 [70–90]"


def test_the_table_has_a_line_for_each_device() -> None:
    lines = list(table({"mobile": [report(0.5)], "desktop": [report(1.0)]}))
    assert lines[-2:] == ["| mobile | 50 | 50 | 50 | 50 |", "| desktop | 100 | 100 | 100 | 100 |"]


def test_only_what_lost_points_is_complained_of() -> None:
    assert list(complaints(report(0.95))) == []
    assert next(complaints(report(0.5))) == "performance: Speed 2 s"


def test_the_documentation_has_a_place_for_the_table(tmp_path: Path) -> None:
    page = Path(shutil.copy(ROOT / "docs" / "measurements.md", tmp_path))
    replace_block(page, "as measured", MARK)
    assert f"<!-- {MARK} -->\n\nas measured\n\n<!-- /{MARK} -->" in page.read_text()
