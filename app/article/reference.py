"""One work that can be cited, as data, and its BibTeX."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["inproceedings", "article", "misc"]

# Where BibTeX wants the venue of each kind.
VENUE_FIELDS: dict[Kind, str] = {
    "inproceedings": "booktitle",
    "article": "journal",
    "misc": "howpublished",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """One work. `kind` is its BibTeX type, and `venue` is empty for a preprint.

    It can be found by its arXiv identifier, its DOI or its address; at most one is given.
    """

    key: str
    authors: tuple[str, ...]
    title: str
    year: int
    kind: Kind = "misc"
    venue: str = ""
    volume: int | None = None
    number: int | None = None
    arxiv: str | None = None
    doi: str | None = None
    url: str | None = None

    @property
    def place(self) -> str:
        """Where it was published, as a reader would write it; empty for a preprint."""
        if self.volume is None:
            return self.venue
        return f"{self.venue} {self.volume}({self.number})"

    @property
    def address(self) -> str | None:
        """Where to read it, or None if all that is known is its venue."""
        if self.arxiv is not None:
            return f"https://arxiv.org/abs/{self.arxiv}"
        return f"https://doi.org/{self.doi}" if self.doi is not None else self.url

    @property
    def label(self) -> str:
        """What a link to its address says."""
        if self.arxiv is not None:
            return f"arXiv:{self.arxiv}"
        if self.doi is not None:
            return f"doi:{self.doi}"
        return (self.url or "").removeprefix("https://").partition("/")[0]

    def bibtex(self) -> str:
        """Its BibTeX entry, in UTF-8. Titles keep their capitals."""
        lines = [f"  {name} = {{{value}}}," for name, value in self._fields()]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])

    def _fields(self) -> Iterator[tuple[str, str | int]]:
        yield "author", " and ".join(self.authors)
        yield "title", f"{{{self.title}}}"
        if self.venue:
            yield VENUE_FIELDS[self.kind], self.venue
        if self.volume is not None and self.number is not None:
            yield "volume", self.volume
            yield "number", self.number
        yield "year", self.year
        if self.arxiv is not None:
            yield "eprint", self.arxiv
            yield "archiveprefix", "arXiv"
        if self.doi is not None:
            yield "doi", self.doi
        if self.url is not None:
            yield "url", self.url
