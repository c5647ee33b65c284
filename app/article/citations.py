"""Numbers a page's citations in the order of their first occurrence while it is rendered."""

from dataclasses import dataclass

from app.article.references import REFERENCES, Reference

REFERENCES_BY_KEY = {reference.key: reference for reference in REFERENCES}


@dataclass(slots=True)
class CitedReference:
    """A reference with its number on the page, from 1, and the number of its citations so far."""

    number: int
    reference: Reference
    mentions: int = 0

    @property
    def entry_id(self) -> str:
        """The HTML id of its entry in the list of references."""
        return f"ref-{self.reference.key}"

    def mention_id(self, mention: int) -> str:
        """Returns the HTML id of the link at its `mention`th citation, from 1."""
        return f"cite-{self.reference.key}-{mention}"


class Citations:
    """The citations of one page. Templates call `cite` in the text and then `reference_list`."""

    def __init__(self) -> None:
        self._cited: dict[str, CitedReference] = {}
        self._list_rendered = False

    def cite(self, *keys: str) -> list[CitedReference]:
        """Counts a citation of each key and returns the cited references, sorted by number.

        Raises ValueError for an unknown key, for no key, and after the list of references has been
        rendered, since a new reference would be missing from it.
        """
        unknown = [key for key in keys if key not in REFERENCES_BY_KEY]
        if unknown or not keys:
            names = ", ".join(unknown)
            raise ValueError(f"no such reference in app/article/references.py: {names}")
        if self._list_rendered:
            raise ValueError(f"cited after the list of references: {', '.join(keys)}")
        for key in keys:
            new = CitedReference(len(self._cited) + 1, REFERENCES_BY_KEY[key])
            self._cited.setdefault(key, new).mentions += 1
        return sorted((self._cited[key] for key in keys), key=lambda cited: cited.number)

    def reference_list(self) -> list[CitedReference]:
        """Returns the cited references by number. Nothing can be cited afterwards."""
        self._list_rendered = True
        return list(self._cited.values())

    def bibtex(self) -> str:
        """Returns the cited references as a BibTeX file, in the order of the list."""
        return "\n\n".join(cited.reference.bibtex() for cited in self._cited.values()) + "\n"
