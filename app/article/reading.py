"""Looks up the curves that the article's prose names."""

from app.experiments import find
from app.experiments.definition import Arm


def find_curve(slug: str, arm: str) -> Arm:
    """Returns an arm of a figure. Raises UnknownExperiment, or ValueError for an unknown arm."""
    arms = {each.id: each for each in find(slug).arms}
    if arm not in arms:
        raise ValueError(f"no curve {arm!r} in the figure {slug}; there are: {', '.join(arms)}")
    return arms[arm]
