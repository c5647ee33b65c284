"""Citations of one page: numbered as they are first made while the page is rendered."""

from dataclasses import dataclass

from app.article.references import REFERENCES, Reference

BY_KEY = {reference.key: reference for reference in REFERENCES}


@dataclass(slots=True)
class Cited:
    """A reference with its number on the page, from 1, and how often it was mentioned so far."""

    number: int
    reference: Reference
    mentions: int = 0

    @property
    def target(self) -> str:
        """The id of its entry in the list."""
        return f"ref-{self.reference.key}"

    def mention_id(self, mention: int) -> str:
        """The id of the link at its `mention`th mention, from 1."""
        return f"cite-{self.reference.key}-{mention}"


class Citations:
    """What one rendering has cited. Templates call `mention` in the text, and then `listed`."""

    def __init__(self) -> None:
        self._cited: dict[str, Cited] = {}
        self._is_listed = False

    def mention(self, *keys: str) -> list[Cited]:
        """Counts one mention more of each, and returns them by number.

        Raises ValueError for an unknown key, for no key, and once the list is rendered: the new
        reference would be missing there.
        """
        unknown = [key for key in keys if key not in BY_KEY]
        if unknown or not keys:
            names = ", ".join(unknown)
            raise ValueError(f"no such reference in app/article/references.py: {names}")
        if self._is_listed:
            raise ValueError(f"cited after the list of references: {', '.join(keys)}")
        for key in keys:
            new = Cited(len(self._cited) + 1, BY_KEY[key])
            self._cited.setdefault(key, new).mentions += 1
        return sorted((self._cited[key] for key in keys), key=lambda cited: cited.number)

    def listed(self) -> list[Cited]:
        """All that was cited, by number. Nothing can be cited afterwards."""
        self._is_listed = True
        return list(self._cited.values())

    def bibtex(self) -> str:
        """All that was cited as a BibTeX file, in the order of the list."""
        return "\n\n".join(cited.reference.bibtex() for cited in self._cited.values()) + "\n"
