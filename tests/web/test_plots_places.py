"""Each place of a profile is told by what it is, and not by where its axis has it."""

from collections.abc import Callable
from fractions import Fraction
from unicodedata import numeric

import pytest

from app import recordings
from app.experiments import EXPERIMENTS
from app.experiments.base import Experiment, Profile
from app.web.summary import numeral


def power_of_two(name: str) -> float:
    """The exponent of the number that the name writes, as 1/64, ¼ or 16."""
    value = Fraction(name) if name.isascii() else Fraction(numeric(name))
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    assert value == Fraction(2) ** exponent
    return exponent


def number_before_colon(name: str) -> float:
    return float(name.split(":", maxsplit=1)[0])


# What each profile's names say of a place; those of the others begin with the place itself.
MEANINGS: dict[str, Callable[[str], float]] = {
    "distance": power_of_two,
    "weight-scale": power_of_two,
}
PROFILES = [
    (experiment, profile) for experiment in EXPERIMENTS.values() for profile in experiment.profiles
]


@pytest.mark.parametrize(
    ("experiment", "profile"), PROFILES, ids=[profile.metric.id for _, profile in PROFILES]
)
def test_every_place_of_every_profile_is_named_rightly(
    experiment: Experiment, profile: Profile
) -> None:
    recording = recordings.load(experiment.slug)
    assert recording is not None
    places = {
        place for row in recording.rows if row.metric == profile.metric.id for place in row.places()
    }
    assert len(places) > 4
    means = MEANINGS.get(experiment.slug, number_before_colon)
    for place in places:
        name = profile.place_names.get(place) or numeral(place, 3).replace("−", "-")
        assert means(name) == pytest.approx(place, abs=0.01)


def test_labelled_places_have_the_same_name_when_they_are_read() -> None:
    for _, profile in PROFILES:
        assert dict(profile.ticks).items() <= profile.place_names.items()
