"""A work that can be cited, and its BibTeX entry."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["inproceedings", "article", "misc"]

# The BibTeX field for the venue, by entry type.
VENUE_FIELDS: dict[Kind, str] = {
    "inproceedings": "booktitle",
    "article": "journal",
    "misc": "howpublished",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A cited work. `kind` is its BibTeX entry type; `venue` is empty for a preprint.

    At most one of `arxiv` (an arXiv identifier), `doi` and `url` is given.
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
    def publication(self) -> str:
        """The venue with volume and number, for the list of references; empty for a preprint."""
        if self.volume is None:
            return self.venue
        return f"{self.venue} {self.volume}({self.number})"

    @property
    def link_url(self) -> str | None:
        """The URL of the work; None if only its venue is known."""
        if self.arxiv is not None:
            return f"https://arxiv.org/abs/{self.arxiv}"
        return f"https://doi.org/{self.doi}" if self.doi is not None else self.url

    @property
    def link_text(self) -> str:
        """The text of a link to the work."""
        if self.arxiv is not None:
            return f"arXiv:{self.arxiv}"
        if self.doi is not None:
            return f"doi:{self.doi}"
        return (self.url or "").removeprefix("https://").partition("/")[0]

    def bibtex(self) -> str:
        """Returns its BibTeX entry in UTF-8. Braces keep the title's capitals."""
        lines = [f"  {name} = {{{value}}}," for name, value in self._bibtex_fields()]
        return "\n".join([f"@{self.kind}{{{self.key},", *lines, "}"])

    def _bibtex_fields(self) -> Iterator[tuple[str, str | int]]:
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
