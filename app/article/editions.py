"""The two editions of the article: served by a server that trains, or exported as static files."""

from dataclasses import dataclass

from app.article.content_policy import META_POLICY


@dataclass(frozen=True, slots=True)
class Edition:
    """The differences between two editions of the article.

    `panel_template` renders a figure's controls. `meta_policy` is the content security policy of
    pages that are served without headers.
    """

    trains: bool
    panel_template: str
    meta_policy: str | None = None


SERVER_EDITION = Edition(
    trains=True,
    panel_template="panel.html",
)
STATIC_EDITION = Edition(
    trains=False,
    panel_template="replay-panel.html",
    meta_policy=META_POLICY,
)
