"""Claims as data: what the article says, as a statistic with a bound, and how a run judges it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, TypeAlias

from app.events import Verdict
from app.measurements import Measurements

Relation: TypeAlias = Literal["at_least", "below"]


@dataclass(frozen=True, slots=True)
class Claim:
    """`arm`'s last `metric`, seed by seed, against `bound`, or against `other` + `bound` (paired).

    The claim holds for a run when it holds in at least `share` of its seeds. The sentences are
    format strings over `value` and `other` (the one seed's, or medians), `held` and `seeds`.
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

    def outcomes(self, measured: Measurements) -> list[bool]:
        """Seed by seed: did it hold?"""
        return [
            value >= against if self.relation == "at_least" else value < against
            for value, against in self._pairs(measured)
        ]

    def holds(self, measured: Measurements) -> bool:
        """Whether it held in enough seeds; False where nothing was measured."""
        outcomes = self.outcomes(measured)
        return bool(outcomes) and sum(outcomes) >= self.share * len(outcomes)

    def sentence(self, measured: Measurements) -> str:
        """What the reader's run says about it, in words and numbers."""
        outcomes = self.outcomes(measured)
        if len(outcomes) > 1:
            template = self.over_seeds
        else:
            template = self.if_held if all(outcomes) else self.if_broken
        return template.format(
            value=_median(measured, self.arm, self.metric),
            other=_median(measured, self.other or self.arm, self.metric),
            held=sum(outcomes),
            seeds=len(outcomes),
        )

    def _pairs(self, measured: Measurements) -> list[tuple[float, float]]:
        values = measured.final(self.arm, self.metric)
        if self.other is None:
            return [(value, self.bound) for value in values.values()]
        others = measured.final(self.other, self.metric)
        return [(values[seed], others[seed] + self.bound) for seed in values if seed in others]


def judge(claims: Sequence[Claim], measured: Measurements) -> Verdict:
    """The verdict of a finished run: it holds when every claim does."""
    if not all(claim.outcomes(measured) for claim in claims):
        return Verdict(None, "The run ended before there was anything to judge.", {})
    return Verdict(
        holds=all(claim.holds(measured) for claim in claims),
        text=" ".join(claim.sentence(measured) for claim in claims),
        evidence={
            f"{arm} {claim.metric}": _median(measured, arm, claim.metric)
            for claim in claims
            for arm in (claim.arm, claim.other)
            if arm is not None
        },
    )


def _median(measured: Measurements, arm: str, metric: str) -> float:
    return median(measured.final(arm, metric).values())
