from pathlib import Path

import httpx

from app.article.assets import (
    CLASSIC_SCRIPTS,
    ON_DEMAND_FOLDERS,
    STATIC_FOLDER,
    content_version,
    preloaded_modules,
    translation_script,
)


def test_the_version_changes_with_content_and_with_name(tmp_path: Path) -> None:
    (tmp_path / "js").mkdir()
    script = tmp_path / "js" / "a.js"
    versions = []
    for content in ("one", "two"):
        script.write_text(content)
        versions.append(content_version(tmp_path))
    script.rename(tmp_path / "js" / "b.js")
    versions.append(content_version(tmp_path))
    assert len(set(versions)) == 3
    assert content_version(tmp_path) == versions[-1]


def test_a_file_may_be_kept_for_ever_at_its_address(reader: httpx.Client) -> None:
    answer = reader.get(f"/static/{content_version()}/css/article.css")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.content == (STATIC_FOLDER / "css" / "article.css").read_bytes()


def test_what_is_not_there_is_not_kept(reader: httpx.Client) -> None:
    answer = reader.get(f"/static/{content_version()}/css/no-such.css")
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("cache-control", "")


def test_nothing_outside_the_folder_is_served(reader: httpx.Client) -> None:
    for path in ("../pyproject.toml", "..%2fpyproject.toml", "%2e%2e/app/main.py", ".."):
        answer = reader.get(f"/static/{content_version()}/{path}")
        assert answer.status_code == 404


def test_text_is_sent_packed(reader: httpx.Client) -> None:
    path = f"/static/{content_version()}/css/article.css"
    answer = reader.get(path, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"


def test_the_page_asks_at_once_for_every_module_that_it_needs_at_first(
    reader: httpx.Client,
) -> None:
    found = sorted(
        path.relative_to(STATIC_FOLDER / "js").as_posix()
        for path in STATIC_FOLDER.rglob("js/**/*.js")
    )
    at_first = [name for name in found if not name.startswith(ON_DEMAND_FOLDERS)]
    assert len(at_first) < len(found)
    assert preloaded_modules() == [name for name in at_first if name not in CLASSIC_SCRIPTS]
    page = reader.get("/").text
    for room in ON_DEMAND_FOLDERS:
        assert f"/js/{room}" not in page
    root = f"./static/{content_version()}/js"
    for name in preloaded_modules():
        link = f'<link rel="modulepreload" fetchpriority="low" href="{root}/{name}">'
        assert page.count(link) == 1, name


def test_of_the_words_a_page_asks_at_once_for_those_of_its_language(tmp_path: Path) -> None:
    (tmp_path / "text" / "words").mkdir(parents=True)
    for name in ("text/words.js", "text/words/en.js", "text/words/xx.js", "text/words/yy.js"):
        (tmp_path / name).touch()
    assert preloaded_modules(tmp_path) == ["text/words.js", "text/words/en.js"]
    assert preloaded_modules(tmp_path, language="xx") == [
        "text/words.js",
        "text/words/en.js",
        "text/words/xx.js",
    ]


def test_the_words_of_a_language_are_a_script_only_where_there_are_some(tmp_path: Path) -> None:
    (tmp_path / "text" / "words").mkdir(parents=True)
    for name in ("text/words/en.js", "text/words/xx.js"):
        (tmp_path / name).touch()
    assert translation_script("xx", tmp_path) == "text/words/xx.js"
    assert translation_script("yy", tmp_path) is None
    assert translation_script("en", tmp_path) is None
