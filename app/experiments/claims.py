"""Claims as data: what the article says, as a statistic with a bound, and how a run judges it."""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from statistics import fmean, median
from typing import Literal, TypeAlias

from app.events import Verdict
from app.measurements import Measurements
from app.number_format import typeset

Relation: TypeAlias = Literal["at_least", "above", "below", "within"]
# What a claim's holding says: something that could have come out otherwise; nothing but that the
# code does what it should, since it is true by construction; or what another claim says already, of
# the very same trainings.
Weight: TypeAlias = Literal["evidence", "arithmetic", "repeated"]
# What is taken of a metric's values over the steps of a training. "late" is the mean over the last
# fifth of them, where a single value, of one mini-batch, says little.
Statistic: TypeAlias = Literal["first", "last", "late", "mean", "median", "greatest"]

ONE_SIDED: Mapping[Relation, Callable[[float, float], bool]] = {
    "at_least": operator.ge,
    "above": operator.gt,
    "below": operator.lt,
}


def _late(values: Sequence[float]) -> float:
    return fmean(values[-max(1, len(values) // 5) :])


OVER_STEPS: Mapping[Statistic, Callable[[Sequence[float]], float]] = {
    "first": operator.itemgetter(0),
    "late": _late,
    "mean": fmean,
    "median": median,
    "greatest": max,
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A statistic of `arm`'s `metric`, seed by seed, against `bound`, or against another arm's.

    With `other`, the bound is `factor` times the other arm's value plus `bound` (paired by seed).
    "within" asks that the value be no further than `tolerance` from the bound, on either side.
    The claim holds for a run when it holds in at least `share` of its seeds. The sentences are
    format strings over `value` and `other` (the one seed's, or medians), `ratio` between the two,
    `held` and `seeds`. Each must be right whatever the other claims' sentences say. `if_level` is
    for two values that are printed alike. A value that is not finite counts as infinite; two
    infinite ones are not compared.
    """

    id: str
    statement: str
    arm: str
    metric: str
    relation: Relation
    bound: float
    share: float
    if_held: str
    if_broken: str
    over_seeds: str
    other: str | None = None
    factor: float = 1.0
    if_level: str | None = None
    statistic: Statistic = "last"
    tolerance: float = 0
    weight: Weight = "evidence"

    def outcomes(self, measured: Measurements) -> list[bool]:
        """Seed by seed: did it hold?"""
        if self.relation == "within":
            return [abs(value - at) <= self.tolerance for value, at in self._pairs(measured)]
        relation = ONE_SIDED[self.relation]
        return [relation(value, against) for value, against in self._pairs(measured)]

    def values(self, measured: Measurements, arm: str) -> dict[int, float]:
        """The statistic for that arm, seed by seed."""
        if self.statistic == "last":
            values = measured.final_values(arm, self.metric)
        else:
            taken = OVER_STEPS[self.statistic]
            series = measured.series(arm, self.metric)
            values = {
                seed: taken(list(map(_or_infinite, of_seed)))
                for seed, of_seed in series.items()
                if of_seed
            }
        return {seed: _or_infinite(value) for seed, value in values.items()}

    def value(self, measured: Measurements, arm: str) -> float:
        """The statistic for that arm, the median over the seeds."""
        return median(self.values(measured, arm).values())

    def holds(self, measured: Measurements) -> bool:
        """Whether it held in enough seeds; False where nothing was measured."""
        outcomes = self.outcomes(measured)
        return bool(outcomes) and sum(outcomes) >= self.share * len(outcomes)

    def sentence(self, measured: Measurements) -> str:
        """What the reader's run says about it, in words and numbers."""
        outcomes = self.outcomes(measured)
        value, other = (self.value(measured, arm) for arm in (self.arm, self.other or self.arm))
        if len(self.values(measured, self.arm)) > 1:
            template = self.over_seeds
        elif self.if_level and self._look_alike(value, other):
            template = self.if_level
        else:
            template = self.if_held if all(outcomes) else self.if_broken
        text = template.format(
            value=_Printed(value),
            other=_Printed(other),
            ratio=_Printed(value / other if other else inf),
            held=sum(outcomes),
            seeds=len(outcomes),
        )
        return typeset(text)

    def _look_alike(self, value: float, other: float) -> bool:
        """Tells whether both values read the same once rounded as the sentences print them."""
        texts = (self.if_held, self.if_broken)
        both = next(text for text in texts if "{value" in text and "{other" in text)
        one, two = _Printed(value), _Printed(other)
        return both.format(value=one, other=two) == both.format(value=two, other=one)

    def _pairs(self, measured: Measurements) -> list[tuple[float, float]]:
        values = self.values(measured, self.arm)
        if self.other is None:
            return [(value, self.bound) for value in values.values()]
        others = self.values(measured, self.other)
        return [
            (values[seed], self.factor * others[seed] + self.bound)
            for seed in values
            if seed in others and not (values[seed] == others[seed] == inf)
        ]


class _Printed(float):
    """A number in a sentence: one that is not finite has no digits and no percent sign."""

    def __format__(self, spec: str) -> str:
        return super().__format__(spec) if isfinite(self) else "∞"


def judge(
    claims: Sequence[Claim], measured: Measurements, labels: Mapping[str, str] | None = None
) -> Verdict:
    """The verdict of a finished run: it holds when every claim does.

    `labels` are the networks' names by arm, under which the text first names those that diverged.
    A claim about what a diverged network never came to is not judged, and no verdict is given.
    """
    judged = [claim for claim in claims if claim.outcomes(measured)]
    complete = len(judged) == len(claims)
    sentences = [
        *_divergences(measured, labels or {}),
        *(claim.sentence(measured) for claim in judged),
    ]
    if not complete:
        sentences.append("Not all of it could be judged: something was not measured or not finite.")
    return Verdict(
        holds=all(claim.holds(measured) for claim in judged) if complete else None,
        text=" ".join(sentences),
        evidence={
            f"{arm} {claim.metric}": claim.value(measured, arm)
            for claim in judged
            for arm in (claim.arm, claim.other)
            if arm is not None
        },
    )


def _divergences(measured: Measurements, labels: Mapping[str, str]) -> Iterator[str]:
    for arm, label in labels.items():
        diverged, seeds = measured.count_diverged(arm)
        if diverged:
            where = f" in {diverged} of {seeds} seeds" if seeds > 1 else ""
            yield f"The network “{label}” diverged{where}."


def _or_infinite(value: float) -> float:
    return value if isfinite(value) else inf
