"""The verdict of each figure, for all combinations of what its run may have measured."""

import math
import re
from collections.abc import Callable, Iterator
from itertools import combinations, cycle, product

import pytest

from app.events import ArmEnded, ArmState, Points, Verdict
from app.experiments import EXPERIMENTS
from app.experiments.claims import Claim
from app.experiments.definition import Experiment
from app.measurements import Measurements

Key = tuple[str, str, str]  # arm, metric, statistic
Values = dict[Key, float]

ACCURACIES = 0.098, 0.6, 0.795, 0.8, 0.93
POWERS = -2.0, -1.0, 0.3, math.inf
OTHERS = 0.004, 0.5, 2.0, 2.0001, math.nan
BY_METRIC: dict[str, tuple[float, ...]] = {
    "test_accuracy": ACCURACIES,
    "precise_accuracy": ACCURACIES[::2],
    "correction_cosine": (0.4, 0.9),
    "precise_gain": (-0.1, 0.0, 0.02, 0.3),
    "gradient_power": POWERS,
    "curvature_power": POWERS,
    "edge_distance": (0.03, 0.25, 3.0),
}
NUMBER = r"(∞|−?[\d,]+(?:\.\d+)?(?:·10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?)"
POWER = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
# What a sentence says, and what must then be so of the numbers in it.
SAID: list[tuple[str, Callable[..., bool]]] = [
    (rf"{NUMBER}%[^.%]*, short of 80%", lambda a: a < 80),
    (rf"(?:trained|80% this time): it ended with {NUMBER}%", lambda a: a >= 80),
    (rf"survived(?:: it ended)?,? with {NUMBER}%", lambda a: a >= 80),
    (rf"the plain network ended ahead, {NUMBER}% to {NUMBER}%", lambda a, b: a > b),
    (rf"plain network was ahead, with {NUMBER}% against {NUMBER}%", lambda a, b: a > b),
    (rf"it had {NUMBER}% of the test images right, BatchNorm {NUMBER}%", lambda a, b: a > b),
    (rf"ended ahead[^.]*, with {NUMBER}%[^%]* against {NUMBER}%", lambda a, b: a > b),
    (rf"ended behind[^.]*, with {NUMBER}%[^%]* against {NUMBER}%", lambda a, b: a < b),
    (rf"was behind: it had {NUMBER}%[^%]* plain one {NUMBER}%", lambda a, b: a < b),
    (rf"{NUMBER}%[^.%]*, no better than the plain network, {NUMBER}%", lambda a, b: a <= b),
    (rf"it was {NUMBER}%, less than the plain network’s {NUMBER}%", lambda a, b: a < b),
    (rf"only {NUMBER} times as far", lambda a: a <= 10),
    (rf"did its work[^∞]* moved {NUMBER} times as far", lambda a: a >= 10),
    (rf"varied more[^:]*: by {NUMBER} nats against {NUMBER}", lambda a, b: a > b),
    (rf"rose more[^:]*: by {NUMBER} nats against {NUMBER}", lambda a, b: a > b),
    (rf"changed more with BatchNorm: by {NUMBER}[^∞\d]* against {NUMBER}", lambda a, b: a > b),
    (rf"β was lower with BatchNorm: {NUMBER} against {NUMBER}", lambda a, b: a < b),
    (rf"β was higher with BatchNorm: {NUMBER} against {NUMBER}", lambda a, b: a > b),
    (rf"no higher without BatchNorm: to {NUMBER}, against {NUMBER}", lambda a, b: a < b),
    (rf"ended higher with BatchNorm[^:]*: at {NUMBER}, against {NUMBER}", lambda a, b: a > b),
    (rf"after {NUMBER} [^∞\d]* only after {NUMBER}", lambda a, b: a < b),
    (rf"by only {NUMBER} with BatchNorm and by {NUMBER} without", lambda a, b: a < b),
    (rf"were only {NUMBER} times as large", lambda a: a < 0.5),
    (rf"about as still[^:]*: [^∞\d]* moved {NUMBER} times as far", lambda a: a <= 2),
    (rf"less still[^:]*: [^∞\d]* moved {NUMBER} times as far", lambda a: a >= 2),
    (rf"loss was lower with [^:]*: {NUMBER} nats, against {NUMBER}", lambda a, b: a < b),
    (rf"turned [^:]* far: [^∞\d]* a cosine of {NUMBER}", lambda a: a <= 0.71),
    (rf"by less than 45°: [^∞\d]* a cosine of {NUMBER}", lambda a: a >= 0.7),
    (rf"within {NUMBER}% of 2/η", lambda a: a <= 25),
    (rf"at least {NUMBER}% away", lambda a: a >= 25),
    (rf"by as much as {NUMBER} nats", lambda a: a >= 0.01),
    (rf"did not go as 1/c, [^−∞\d]*{NUMBER}", lambda a: not -1.05 < a < -0.95),
    (rf"did not go as 1/c², [^−∞\d]*{NUMBER}", lambda a: not -2.1 < a < -1.9),
]
# Words that lean on another sentence, which may have come out otherwise; words to somebody who
# may not have asked for the run; numbers that are none.
NEVER = r"\b(even|nevertheless|yet|too|stayed|got lost|you|your|nan|inf|None)\b|∞%|[{}]"


def keys(experiment: Experiment) -> list[Key]:
    pairs = [
        (arm, claim.metric, claim.statistic)
        for claim in experiment.claims
        for arm in (claim.arm, claim.other)
        if arm
    ]
    return list(dict.fromkeys(pairs))


def outcomes(experiment: Experiment) -> Iterator[Values]:
    """All combinations of values at, above and below what the claims are held against."""
    found = keys(experiment)
    few = len(found) > 5  # three of the values tell more from less from alike
    choices = [BY_METRIC.get(metric, OTHERS) for _, metric, _ in found]
    if few:
        choices = [values[-3:] if values is OTHERS else values for values in choices]
    for values in product(*choices):
        yield dict(zip(found, values, strict=True))


def measured(experiment: Experiment, seeds: list[Values], diverged: set[str]) -> Measurements:
    arms = [arm.id for arm in experiment.arms]
    made = Measurements(arms)
    for seed, values in enumerate(seeds):
        for arm in arms:
            own = {metric: value for (of, metric, _), value in values.items() if of == arm}
            # Two points, of which the first is such that their mean is as it is asked for.
            means = {
                metric: value
                for (of, metric, statistic), value in values.items()
                if of == arm and statistic == "mean"
            }
            points = {
                metric: [2 * means.get(metric, last) - last, last] for metric, last in own.items()
            }
            made.add(Points(arm, seed, [0, 1], points))
            state: ArmState = "diverged" if arm in diverged else "finished"
            made.add(ArmEnded(arm, seed, state, own))
    return made


def number(text: str) -> float:
    if text == "∞":
        return math.inf
    mantissa, _, power = text.replace("−", "-").replace(",", "").partition("·10")
    return float(mantissa) * 10.0 ** int(power.translate(POWER) or 0)


def subsets(experiment: Experiment) -> Iterator[set[str]]:
    arms = [arm.id for arm in experiment.arms]
    every = [set(some) for n in range(len(arms) + 1) for some in combinations(arms, n)]
    return cycle(every)


def check(experiment: Experiment, verdict: Verdict, diverged: set[str]) -> None:
    text = verdict.text
    assert not re.search(NEVER, text), text
    for said, so in SAID:
        for found in re.findall(said, text):
            numbers = [found] if isinstance(found, str) else found
            assert so(*map(number, numbers)), (said, text)
    for arm in experiment.arms:
        assert (f"The network “{arm.label}” diverged" in text) == (arm.id in diverged), text
    for sentence in text.split(". "):
        assert sentence[0].isupper(), text


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda found: found.slug)
def test_whatever_was_measured_a_verdict_does_not_contradict_its_numbers(
    experiment: Experiment,
) -> None:
    kinds = set()
    for values, diverged in zip(outcomes(experiment), subsets(experiment), strict=False):
        made = measured(experiment, [values], diverged)
        verdict = experiment.judge(made)
        check(experiment, verdict, diverged)
        held = [claim.outcomes(made) for claim in experiment.claims]
        kinds.add(tuple(map(tuple, held)))
        assert verdict.holds == (None if [] in held else held == [[True]] * len(held))
        for claim, outcome in zip(experiment.claims, held, strict=True):
            if outcome:
                assert claim.sentence(made) in verdict.text
    # Each claim came out both ways, whatever the others did.
    assert len(kinds) >= 2 ** len(experiment.claims)


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda found: found.slug)
def test_over_several_seeds_a_verdict_counts_and_says_which_diverged(
    experiment: Experiment,
) -> None:
    every = list(outcomes(experiment))[::7]
    for one, two, diverged in zip(every, reversed(every), subsets(experiment), strict=False):
        made = measured(experiment, [one, two], diverged)
        verdict = experiment.judge(made)
        check(experiment, verdict, diverged)
        for claim in experiment.claims:
            if len(claim.outcomes(made)) > 1:
                assert re.search(counted(claim, made), verdict.text), verdict.text


def counted(claim: Claim, made: Measurements) -> str:
    return rf"{sum(claim.outcomes(made))} of {len(claim.outcomes(made))}\b"


def test_the_network_that_fell_behind_is_not_the_one_with_more_right() -> None:
    """A verdict that a reader saw: BatchNorm at 18.5%, and plain that "stayed behind, at 60.1%"."""
    experiment = EXPERIMENTS["learning-rates"]
    values = dict(zip(keys(experiment), (0.185, 0.601, 0.93, 0.905), strict=True))
    assert experiment.judge(measured(experiment, [values], {"bn@0.5"})).text == (
        "The network “BatchNorm, rate 0.5” diverged. "
        "At learning rate 0.5, the network with BatchNorm ended with 18.5% of the test images "
        "right, short of 80%. The plain network ended with 60.1%, short of 80%. "
        "At 0.1, BatchNorm ended at 93.0% and the plain network at 90.5%."
    )
