from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.events import ArmEnded, Points, TrainingEvent
from app.experiments.catalogue.learning_rates import LEARNING_RATES
from app.experiments.definition import TrainingSpec
from app.runs.race import MAX_LEAD, STALL_SECONDS, Race

(SPEC, *_) = LEARNING_RATES.trainings(LEARNING_RATES.parse({"seed": 5}))


def arm(name: str) -> TrainingSpec:
    return replace(SPEC, arm=name, steps=100)


def point(name: str, step: int) -> Points:
    return Points(name, 5, [step], {"test_loss": [1.0]})


def end(name: str) -> ArmEnded:
    return ArmEnded(name, 5, "finished", {})


@pytest.fixture
def race() -> Race:
    """Of two arms, a and b."""
    race = Race()
    for name in "ab":
        race.add_arm(arm(name), now=0.0)
    return race


def test_an_arm_that_is_far_ahead_waits_for_the_other(race: Race) -> None:
    shown = [event for step in range(50) for event in race.receive(point("a", step), now=0.1)]
    assert shown == [point("a", step) for step in range(10)]
    assert list(race.receive(point("b", 3), now=0.2)) == [
        point("b", 3),
        *(point("a", step) for step in (10, 11, 12)),
    ]


def test_an_arm_that_is_silent_for_long_is_not_waited_for(race: Race) -> None:
    for step in range(50):
        list(race.receive(point("a", step), now=0.1))
    assert list(race.release_ready(now=STALL_SECONDS - 0.01)) == []
    released = list(race.release_ready(now=STALL_SECONDS + 0.05))
    assert released[-1] == point("a", 49)


def test_who_has_ended_is_waited_for_no_longer(race: Race) -> None:
    held: list[TrainingEvent] = [point("a", 20), point("a", 90), end("a")]
    for event in held:
        list(race.receive(event, now=0.1))
    assert list(race.receive(end("b"), now=0.2)) == [end("b"), *held[1:]]


def test_at_the_run_s_end_all_that_waited_is_there(race: Race) -> None:
    for step in (20, 40, 60):
        list(race.receive(point("a", step), now=0.1))
    assert list(race.flush()) == [point("a", 40), point("a", 60)]
    assert list(race.flush()) == []


STRIDE = 4  # steps between two points


@given(st.lists(st.sampled_from("abc"), max_size=200))
def test_whatever_the_order_nothing_is_lost_and_none_is_far_ahead(order: list[str]) -> None:
    race = Race()
    said: dict[str, list[TrainingEvent]] = {name: [] for name in "abc"}
    shown: dict[str, list[TrainingEvent]] = {name: [] for name in "abc"}
    latest = dict.fromkeys("abc", 0)
    for name in "abc":
        race.add_arm(arm(name), now=0.0)
    for name in order:
        event = point(name, STRIDE * len(said[name]))
        if STRIDE * len(said[name]) > 100:
            continue
        said[name].append(event)
        for ready in race.receive(event, now=0.0):
            shown[ready.arm].append(ready)
            latest[ready.arm] = STRIDE * (len(shown[ready.arm]) - 1)
            assert max(latest.values()) - min(latest.values()) <= 100 * MAX_LEAD + STRIDE
    for ready in race.flush():
        shown[ready.arm].append(ready)
    assert shown == said
