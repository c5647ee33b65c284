import re
import unicodedata
from collections import Counter
from datetime import UTC, datetime

import pytest

from app.article.references import ARTICLE, REFERENCES, Reference
from tests.support.processes import ROOT

each = pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: reference.key)


def repeated(values: list[str | None]) -> list[str | None]:
    return [value for value, count in Counter(values).items() if value and count > 1]


def test_nothing_stands_twice() -> None:
    assert len(REFERENCES) > 20
    assert repeated([reference.key for reference in REFERENCES]) == []
    assert repeated([reference.title.lower() for reference in REFERENCES]) == []
    assert repeated([reference.link_url for reference in REFERENCES]) == []


@each
def test_a_reference_says_who_what_and_when(reference: Reference) -> None:
    assert reference.authors
    assert all(re.fullmatch(r"\S+( \S+)+", author) for author in reference.authors)
    assert reference.title == reference.title.strip()
    assert reference.title[0].isupper()
    assert not reference.title.endswith(".")
    assert 1950 < reference.year <= datetime.now(UTC).year


@each
def test_a_key_is_the_first_author_and_the_year(reference: Reference) -> None:
    # Surnames begin after the given names, all of which are capitalised.
    surname = re.sub(r"^([A-Z][\w.-]* )+(?=\S)", "", reference.authors[0])
    plain = unicodedata.normalize("NFKD", surname).encode("ascii", "ignore").decode()
    assert reference.key == f"{plain.replace(' ', '').lower()}{reference.year}"


@each
def test_a_reference_can_be_found(reference: Reference) -> None:
    found = [reference.arxiv, reference.doi, reference.url]
    assert sum(identifier is not None for identifier in found) <= 1
    assert reference.venue or reference.arxiv
    if reference.arxiv is not None:
        assert re.fullmatch(r"\d{2}(0[1-9]|1[0-2])\.\d{4,5}", reference.arxiv)
        posted = 2000 + int(reference.arxiv[:2])
        assert posted <= reference.year <= posted + 1  # published in the year after, at the latest
    if reference.doi is not None:
        assert re.fullmatch(r"10\.\d{4,9}/\S+", reference.doi)
    if reference.link_url is not None:
        assert reference.link_url.startswith("https://")
        assert reference.link_text


@each
def test_only_a_journal_has_volumes_and_only_a_preprint_no_venue(reference: Reference) -> None:
    is_article = reference.kind == "article"
    assert (reference.volume is not None, reference.number is not None) == (is_article, is_article)
    assert reference.kind == "misc" or reference.venue


def test_a_conference_paper_in_bibtex() -> None:
    santurkar = next(found for found in REFERENCES if found.key == "santurkar2018")
    assert santurkar.bibtex().splitlines() == [
        "@inproceedings{santurkar2018,",
        "  author = {Shibani Santurkar and Dimitris Tsipras and Andrew Ilyas and"
        " Aleksander Mądry},",
        "  title = {{How Does Batch Normalization Help Optimization?}},",
        "  booktitle = {NeurIPS},",
        "  year = {2018},",
        "  eprint = {1805.11604},",
        "  archiveprefix = {arXiv},",
        "}",
    ]


def test_a_journal_article_in_bibtex_and_on_the_page() -> None:
    lecun = next(found for found in REFERENCES if found.key == "lecun1998")
    assert lecun.publication == "Proceedings of the IEEE 86(11)"
    assert lecun.link_url == "https://doi.org/10.1109/5.726791"
    entry = lecun.bibtex()
    assert "journal = {Proceedings of the IEEE},\n  volume = {86},\n  number = {11}," in entry
    assert "doi = {10.1109/5.726791}" in entry


@each
def test_bibtex_has_its_braces_in_pairs(reference: Reference) -> None:
    entry = reference.bibtex()
    assert entry.count("{") == entry.count("}")
    assert not re.search(r"[&%$#_~^\\]", entry.replace(str(reference.url), "")), "TeX would stumble"


def test_the_article_is_cited_by_the_authors_that_its_licence_names() -> None:
    licence = (ROOT / "LICENSE").read_text()
    (author,) = ARTICLE.authors
    plain = author.strip("{}").replace("``", '"').replace("''", '"')
    assert f"Copyright (c) {ARTICLE.year} {plain}\n" in licence
    assert ARTICLE.title in plain
