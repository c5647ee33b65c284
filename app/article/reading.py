"""How the prose speaks of figures: by the names of their curves."""

from app.experiments import find
from app.experiments.definition import Arm


def curve_of(slug: str, arm: str) -> Arm:
    """The arm whose curves a figure draws. Raises UnknownExperiment, and ValueError for an arm that
    the figure has not got.
    """
    arms = {each.id: each for each in find(slug).arms}
    if arm not in arms:
        raise ValueError(f"no curve {arm!r} in the figure {slug}; there are: {', '.join(arms)}")
    return arms[arm]
