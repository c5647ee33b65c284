import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.__main__ import main
from app.article import export
from app.article.content_policy import CONTENT_POLICY, META_POLICY
from app.errors import ExportRefused
from app.experiments import EXPERIMENTS
from app.reproducibility import receipts, recordings
from tests.conftest import Site
from tests.support.markup import Elements
from tests.support.processes import ROOT

FILES = [("index.html", b"page"), ("static/a.js", b"script")]
# What names another file, whatever the element.
ADDRESSES = ("href", "src", "srcset", "action", "poster", "data", "data-recording")


def elements(site: Site) -> list[tuple[str, dict[str, str | None]]]:
    return Elements((site.folder / "index.html").read_text()).found


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_export_needs_no_torch_and_says_how_much_it_wrote(site: Site) -> None:
    files = files_in(site.folder)
    size = sum(map(len, files.values()))
    assert site.said == f"{site.folder}: {len(files)} files, {size:,} bytes\n"
    assert {"index.html", "references.bib", "export.json"} <= set(files)
    assert (site.folder / "index.html").stat().st_mode & 0o044 == 0o044  # a web server may read it
    assert site.folder.stat().st_mode & 0o055 == 0o055


def test_every_address_is_relative_and_leads_to_a_file_or_an_element(site: Site) -> None:
    found = elements(site)
    ids = {attributes["id"] for _, attributes in found if "id" in attributes}
    links = [
        (tag, name, value)
        for tag, attributes in found
        for name, value in attributes.items()
        if name in ADDRESSES and value
    ]
    assert len(links) > 100
    for tag, name, value in links:
        parts = urlsplit(value)
        if parts.scheme:
            assert (tag, name, parts.scheme) == ("a", "href", "https"), value
        elif parts.path:
            assert not value.startswith("/"), value
            assert (site.folder / parts.path).is_file(), value
        else:
            assert parts.fragment in ids, value


def test_no_file_of_the_export_asks_for_an_address_from_the_root(site: Site) -> None:
    of_a_server = re.compile(rb"""(?:fetch|import|url|EventSource|href=|src=)\(?["'`]?/""")
    guilty = [
        name
        for name, content in files_in(site.folder).items()
        if name.endswith((".js", ".css", ".html"))
        and "/vendor/" not in name
        and of_a_server.search(content)
    ]
    assert guilty == []


def test_the_page_carries_the_content_policy_before_anything_that_it_governs(site: Site) -> None:
    found = elements(site)
    policies = [
        (index, attributes["content"])
        for index, (_, attributes) in enumerate(found)
        if attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    ((place, policy),) = policies
    assert policy == META_POLICY
    assert f"{policy}; ".replace("object-src", "frame-ancestors 'none'; object-src") == (
        f"{CONTENT_POLICY}; "
    )
    governed = [index for index, (tag, _) in enumerate(found) if tag in ("script", "link")]
    assert place < min(governed)


def test_the_documented_headers_are_the_served_ones() -> None:
    documented = (ROOT / "docs" / "plain-files.md").read_text()
    assert documented.count(CONTENT_POLICY) == 2


def test_nothing_on_the_page_needs_a_server(site: Site) -> None:
    page = (site.folder / "index.html").read_text()
    found = elements(site)
    assert [tag for tag, _ in found if tag in ("form", "textarea")] == []
    assert {name for _, attributes in found for name in attributes if name[:2] == "hx"} == set()
    assert "htmx" not in page
    assert 'id="comments"' not in page
    assert "Settings</em>" not in page
    assert "on this server" not in page
    figures = [attributes["data-figure"] for _, attributes in found if "data-figure" in attributes]
    assert figures == list(EXPERIMENTS)


@pytest.mark.parametrize("slug", EXPERIMENTS)
def test_every_recorded_run_has_its_points_and_its_receipt(site: Site, slug: str) -> None:
    recording = recordings.load(slug)
    assert recording is not None
    path = site.folder / "runs" / f"{recording.file_name}.json"
    assert receipts.read(path).digest == recording.receipt["digest"]
    with path.with_suffix(".csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    values = [
        value for points in recording.points for each in points.values.values() for value in each
    ]
    values += [value for row in recording.rows for value in row.values]
    assert sorted(float(row["value"]) for row in rows) == sorted(values)
    assert {row["arm"] for row in rows} == {arm.id for arm in EXPERIMENTS[slug].arms}


def test_a_former_export_is_renewed_and_nothing_of_it_remains(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    export.write_export(folder, [*FILES, ("old/b.js", b"old")])
    written = export.write_export(folder, FILES)
    files = files_in(folder)
    assert dict(FILES).items() <= files.items()
    assert set(files) == {"index.html", "static/a.js", "export.json"}
    assert (written.files, written.size) == (3, sum(map(len, files.values())))
    assert list(tmp_path.iterdir()) == [folder]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    export.write_export(folder, FILES)
    assert dict(FILES).items() <= files_in(folder).items()


def _add_a_file(site: Path) -> None:
    (site / "static" / "CNAME").write_text("mine")


def _change_a_file(site: Path) -> None:
    (site / "index.html").write_text("mine")


def _add_a_folder(site: Path) -> None:
    (site / "mine").mkdir()


def _add_a_link(site: Path) -> None:
    (site / "mine").symlink_to(site / "static")


def _replace_a_file_by_a_link(site: Path) -> None:
    content = site / "static" / "a.js"
    content.rename(site.parent / "a.js")
    content.symlink_to(site.parent / "a.js")


def _lose_the_manifest(site: Path) -> None:
    (site / "export.json").unlink()


def _another_manifest(site: Path) -> None:
    (site / "export.json").write_text(json.dumps({"made_by": "me", "files": {}}))


@pytest.mark.parametrize(
    "change",
    [
        _add_a_file,
        _change_a_file,
        _add_a_folder,
        _add_a_link,
        _replace_a_file_by_a_link,
        _lose_the_manifest,
        _another_manifest,
    ],
)
def test_what_is_not_ours_is_never_lost(tmp_path: Path, change: object) -> None:
    folder = tmp_path / "site"
    export.write_export(folder, FILES)
    assert callable(change)
    change(folder)
    before = sorted(tmp_path.rglob("*")), files_in(tmp_path)
    with pytest.raises(ExportRefused, match="Name a new folder"):
        export.write_export(folder, FILES)
    assert (sorted(tmp_path.rglob("*")), files_in(tmp_path)) == before


def test_a_place_that_can_not_take_it_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full" / "of").mkdir(parents=True)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    places = ["../file", "../file/below", "../full", "../no/such", ".", "..", "/", ""]
    before = sorted(tmp_path.rglob("*"))
    for place in places:
        assert main(["export", place]) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert len(shown.err.splitlines()) == 1
        assert place in shown.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("former", [True, False])
def test_an_interrupted_export_is_not_there(tmp_path: Path, former: bool) -> None:
    folder = tmp_path / "site"
    if former:
        export.write_export(folder, FILES)
    before = files_in(tmp_path)

    def interrupted() -> Iterator[tuple[str, bytes]]:
        yield "index.html", b"new page"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export.write_export(folder, interrupted())
    assert files_in(tmp_path) == before
    assert folder.exists() == former
