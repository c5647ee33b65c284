"""Citations: numbered as they come, listed once, and none of what isn't there."""

import re
from pathlib import Path

import httpx
import pytest
from jinja2 import Environment, FileSystemLoader

from app.article import renderer
from app.article.assets import STATIC_FOLDER
from app.article.citations import Citations
from app.article.references import REFERENCES
from app.resources import TEMPLATES
from tests.support.markup import Elements


def rendered(source: str, citations: Citations) -> str:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True)
    imports = '{% from "citations.html" import cite with context %}'
    return environment.from_string(imports + source).render(citations=citations)


def in_words(markup: str) -> str:
    return re.sub(r"<[^>]+>", "", markup)


def test_numbers_are_given_in_the_order_of_first_mention() -> None:
    text = '{{ cite("li2018") }}, {{ cite("im2016") }}, {{ cite("li2018") }}, {{ cite("de2020") }}.'
    assert in_words(rendered(text, Citations())) == "[1], [2], [1], [3]."


def test_several_stand_in_one_bracket_in_the_order_of_their_numbers() -> None:
    text = '{{ cite("li2018") }} {{ cite("im2016", "de2020", "li2018") }}.'
    markup = rendered(text, Citations())
    assert in_words(markup) == "[1] [1, 2, 3]."
    assert len(Elements(markup).with_attribute("href")) == 4


def test_every_mention_has_an_id_of_its_own() -> None:
    markup = rendered('{{ cite("li2018") }}{{ cite("im2016", "li2018") }}', Citations())
    ids = [link["id"] for link in Elements(markup).with_attribute("href")]
    assert ids == ["cite-li2018-1", "cite-li2018-2", "cite-im2016-1"]


def test_what_is_not_cited_is_not_listed() -> None:
    citations = Citations()
    citations.cite("im2016")
    citations.cite("li2018", "im2016")
    listed = [(one.number, one.reference.key, one.mentions) for one in citations.reference_list()]
    assert listed == [(1, "im2016", 2), (2, "li2018", 1)]
    assert re.findall(r"@\w+{(\w+),", citations.bibtex()) == ["im2016", "li2018"]


@pytest.mark.parametrize("keys", [["nobody1900"], ["li2018", "nobody1900"], []])
def test_a_citation_of_nothing_is_refused(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="no such reference"):
        Citations().cite(*keys)


def test_nothing_is_cited_after_the_list() -> None:
    citations = Citations()
    citations.reference_list()
    with pytest.raises(ValueError, match="after the list"):
        citations.cite("li2018")


def test_an_unknown_key_stops_the_start_and_no_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (TEMPLATES / "sections" / "introduction.html").read_text()
    for template in TEMPLATES.rglob("*.html"):
        copy = tmp_path / template.relative_to(TEMPLATES)
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(template.read_text())
    (tmp_path / "sections" / "introduction.html").write_text(
        source.replace('cite("ioffe2015")', 'cite("ioffe2051")')
    )
    monkeypatch.setattr(renderer, "TEMPLATES", tmp_path)
    with pytest.raises(ValueError, match="ioffe2051"):
        renderer.PageRenderer("/static", comments=False)


def test_the_page_cites_in_the_order_of_its_list(reader: httpx.Client) -> None:
    tags = Elements(reader.get("/").text)
    links = [attributes for tag, attributes in tags.found if attributes.get("class") == "cite"]
    first_mentions = list(dict.fromkeys(str(link["href"]) for link in links))
    entries = [
        f"#{attributes['id']}"
        for tag, attributes in tags.found
        if tag == "li" and str(attributes.get("id")).startswith("ref-")
    ]
    assert len(entries) >= 3
    assert entries == first_mentions


def test_every_mention_and_its_entry_lead_to_each_other(reader: httpx.Client) -> None:
    tags = Elements(reader.get("/").text)
    ids = [attributes["id"] for attributes in tags.with_attribute("id")]
    assert len(ids) == len(set(ids))
    roles = {
        role: [a for a in tags.with_attribute("role") if a["role"] == role]
        for role in ("doc-biblioref", "doc-backlink")
    }
    assert {f"#{link['id']}" for link in roles["doc-biblioref"]} == {
        link["href"] for link in roles["doc-backlink"]
    }
    for link in roles["doc-biblioref"]:
        assert str(link["href"]).removeprefix("#") in ids
        assert link["aria-describedby"] in ids


def test_two_readers_get_the_same_numbers(reader: httpx.Client) -> None:
    texts = [reader.get("/").text for _ in range(2)]
    marks = [re.findall(r'id="cite-[^>]+>[^<]+<', text) for text in texts]
    assert marks[0]
    assert marks[0] == marks[1]


def test_the_references_are_there_as_bibtex(reader: httpx.Client) -> None:
    answer = reader.get("/references.bib")
    assert answer.headers["content-type"] == "text/x-bibtex; charset=utf-8"
    keys = re.findall(r"^@\w+{(\w+),$", answer.text, re.MULTILINE)
    assert keys == re.findall(r'<li id="ref-(\w+)">', reader.get("/").text)
    for reference in REFERENCES:
        assert (reference.bibtex() in answer.text) == (reference.key in keys)


def test_the_page_names_the_licence_of_everything_vendored(reader: httpx.Client) -> None:
    licences = {path.name for path in (STATIC_FOLDER / "vendor").glob("*LICENSE*")}
    assert len(licences) > 3
    linked = {str(a["href"]) for a in Elements(reader.get("/").text).with_attribute("href")}
    assert {link.rpartition("/")[2] for link in linked if "LICENSE" in link} == licences
    for link in linked:
        if "LICENSE" in link:
            assert reader.get(link).status_code == 200
