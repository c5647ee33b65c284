"""Where the article is published: by a server that trains, or as plain files."""

from dataclasses import dataclass

from app.article.content_policy import META_POLICY


@dataclass(frozen=True, slots=True)
class Edition:
    """What differs between two publications of the same article.

    `panel` is the template of a figure's controls, and `policy` the content policy of a page that
    comes without headers.
    """

    trains: bool
    panel: str
    policy: str | None = None


SERVED = Edition(
    trains=True,
    panel="panel.html",
)
PLAIN_FILES = Edition(
    trains=False,
    panel="replay-panel.html",
    policy=META_POLICY,
)
