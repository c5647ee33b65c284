import math
from dataclasses import replace

import pytest

from app.events import ArmEnded, Points
from app.experiments.catalogue.learning_rates import LEARNING_RATES
from app.experiments.claims import Claim, Statistic, judge
from app.measurements import Measurements

HIGH = Claim(
    id="high",
    statement="It reaches 80%.",
    arm="bn",
    metric="accuracy",
    relation="at_least",
    bound=0.8,
    share=0.9,
    if_held="Reached {value:.0%}.",
    if_broken="Only {value:.0%}.",
    over_seeds="{held} of {seeds}, median {value:.0%}.",
)
PAIRED = Claim(
    id="paired",
    statement="It is level.",
    arm="bn",
    metric="accuracy",
    relation="at_least",
    bound=-0.01,
    share=0.6,
    other="cnn",
    if_held="Level: {value:.0%}, {other:.0%}.",
    if_broken="Behind: {value:.0%}, {other:.0%}.",
    over_seeds="{held} of {seeds}, medians {value:.0%}, {other:.0%}.",
)


def ended(**accuracies: list[float]) -> Measurements:
    """Measurements in which each arm's seeds 1, 2, … ended with these accuracies."""
    measured = Measurements(list(accuracies))
    for arm, values in accuracies.items():
        for seed, value in enumerate(values, start=1):
            measured.add(ArmEnded(arm, seed, "finished", {"accuracy": value}))
    return measured


def test_one_seed_that_holds_is_told_as_such() -> None:
    verdict = judge([HIGH], ended(bn=[0.9]))
    assert (verdict.holds, verdict.text) == (True, "Reached 90%.")


def test_one_seed_that_does_not_hold_is_told_as_such() -> None:
    verdict = judge([HIGH], ended(bn=[0.5]))
    assert (verdict.holds, verdict.text) == (False, "Only 50%.")


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (7.5e8, "7.5·10⁸"),
        (2e-7, "2·10⁻⁷"),
        (-1.5, "−1.5"),
        (math.inf, "∞"),
        (1e8, "10⁸"),
        (-3e12, "−3·10¹²"),
    ],
)
def test_numbers_are_told_as_they_are_printed(value: float, printed: str) -> None:
    plain = replace(HIGH, if_held="{value:.3g}", if_broken="{value:.3g}")
    assert judge([plain], ended(bn=[value])).text == printed


def test_the_bound_itself_is_at_least_and_not_below() -> None:
    below = replace(HIGH, relation="below")
    assert HIGH.outcomes(ended(bn=[0.8, 0.79])) == [True, False]
    assert below.outcomes(ended(bn=[0.8, 0.79])) == [False, True]


def test_the_first_value_of_a_training_can_be_judged() -> None:
    measured = ended(bn=[0.1])
    for step, accuracy in ((0, 0.9), (10, 0.1)):
        measured.add(Points("bn", 1, [step], {"accuracy": [accuracy]}))
    assert HIGH.outcomes(measured) == [False]
    assert replace(HIGH, statistic="first").outcomes(measured) == [True]


def test_over_seeds_the_sentence_counts() -> None:
    assert judge([HIGH], ended(bn=[0.9, 0.85, 0.1])).text == "2 of 3, median 85%."


def test_a_claim_holds_from_its_share_of_seeds_on() -> None:
    assert HIGH.holds(ended(bn=[0.9] * 9 + [0.1]))
    assert not HIGH.holds(ended(bn=[0.9] * 8 + [0.1] * 2))
    assert PAIRED.holds(ended(bn=[0.9] * 3 + [0.1] * 2, cnn=[0.5] * 5))
    assert not PAIRED.holds(ended(bn=[0.9] * 2 + [0.1] * 3, cnn=[0.5] * 5))


def test_a_paired_claim_compares_seed_by_seed() -> None:
    # The medians are equal; the pairs are not.
    measured = ended(bn=[0.5, 0.7, 0.9], cnn=[0.7, 0.9, 0.5])
    assert PAIRED.outcomes(measured) == [False, False, True]
    assert judge([PAIRED], measured).text == "1 of 3, medians 70%, 70%."


def test_a_paired_claim_allows_its_bound() -> None:
    assert PAIRED.outcomes(ended(bn=[0.895, 0.88], cnn=[0.9, 0.9])) == [True, False]


def test_a_seed_without_its_pair_does_not_count() -> None:
    assert PAIRED.outcomes(ended(bn=[0.5, 0.9], cnn=[0.5])) == [True]


def test_a_verdict_holds_when_every_claim_does() -> None:
    assert judge([HIGH, PAIRED], ended(bn=[0.9], cnn=[0.5])).holds is True
    assert judge([HIGH, PAIRED], ended(bn=[0.9], cnn=[0.95])).holds is False
    assert judge([HIGH, PAIRED], ended(bn=[0.7], cnn=[0.5])).holds is False


def test_the_evidence_is_the_median_of_every_arm_in_question() -> None:
    verdict = judge([HIGH, PAIRED], ended(bn=[0.9, 0.8, 0.2], cnn=[0.5, 0.6, 0.7]))
    assert verdict.evidence == {"bn accuracy": 0.8, "cnn accuracy": 0.6}


def test_nothing_measured_is_no_verdict() -> None:
    measured = ended(bn=[], cnn=[])
    assert judge([HIGH], measured).holds is None
    assert not HIGH.holds(measured)
    assert judge([HIGH, PAIRED], ended(bn=[0.9], cnn=[])).holds is None


def final(**accuracies: list[float]) -> Measurements:
    arms = {"cnn_1": "cnn@0.1", "bn_1": "bn@0.1", "cnn_5": "cnn@0.5", "bn_5": "bn@0.5"}
    measured = Measurements(list(arms.values()))
    for name, values in accuracies.items():
        for seed, value in enumerate(values):
            measured.add(ArmEnded(arms[name], seed, "finished", {"test_accuracy": value}))
    return measured


def test_a_run_like_the_articles_confirms_it() -> None:
    verdict = judge(
        LEARNING_RATES.claims, final(cnn_1=[0.87], bn_1=[0.91], cnn_5=[0.12], bn_5=[0.9])
    )
    assert verdict.holds is True
    for said, claim in zip(["90.0%", "12.0%", "91.0%"], LEARNING_RATES.claims, strict=True):
        sentence = claim.if_held.format(value=float(said[:-1]) / 100, other=0.87)
        assert said in sentence
        assert sentence in verdict.text


def test_a_run_in_which_batchnorm_loses_says_so() -> None:
    verdict = judge(LEARNING_RATES.claims, final(cnn_1=[0.9], bn_1=[0.6], cnn_5=[0.85], bn_5=[0.1]))
    assert verdict.holds is False
    assert "short of 80%" in verdict.text
    for said, claim in zip(["10.0%", "85.0%", "60.0%"], LEARNING_RATES.claims, strict=True):
        sentence = claim.if_broken.format(value=float(said[:-1]) / 100, other=0.9)
        assert said in sentence
        assert sentence in verdict.text


def test_a_run_of_seeds_in_which_batchnorm_loses_counts_them() -> None:
    verdict = judge(
        LEARNING_RATES.claims,
        final(cnn_1=[0.9, 0.9], bn_1=[0.6, 0.95], cnn_5=[0.1, 0.85], bn_5=[0.1, 0.2]),
    )
    assert verdict.holds is False
    assert "0 of 2 seeds" in verdict.text
    assert verdict.text.count("1 of 2 (") == 2


def test_behind_by_less_than_a_point_is_not_told_as_ahead() -> None:
    """The claim allows one point: the sentence of one seed must fit either way."""
    verdict = judge(
        LEARNING_RATES.claims, final(cnn_1=[0.905], bn_1=[0.9], cnn_5=[0.1], bn_5=[0.9])
    )
    assert verdict.holds is True
    level = LEARNING_RATES.claims[2]
    assert level.if_held.format(value=0.9, other=0.905) in verdict.text
    assert not {"ahead", "behind", "won"} & set(level.if_held.split())


def test_every_claim_tells_its_own_bound() -> None:
    for claim in LEARNING_RATES.claims:
        assert claim.arm in {arm.id for arm in LEARNING_RATES.arms}
        assert claim.metric in {metric.id for metric in LEARNING_RATES.metrics}
        assert 0 < claim.share <= 1


def over_steps(**series: list[float]) -> Measurements:
    """Measurements of one seed in which each arm had these accuracies, step after step."""
    measured = Measurements(list(series))
    for arm, values in series.items():
        measured.add(Points(arm, 1, list(range(len(values))), {"accuracy": values}))
        measured.add(ArmEnded(arm, 1, "finished", {"accuracy": values[-1]}))
    return measured


def test_a_statistic_is_taken_over_the_steps() -> None:
    measured = over_steps(bn=[0.0, 0.9, 0.2, 0.8])
    expected: dict[Statistic, float] = {
        "first": 0.0,
        "last": 0.8,
        "late": 0.8,
        "mean": 0.475,
        "median": 0.5,
        "greatest": 0.9,
    }
    for statistic, value in expected.items():
        claim = replace(HIGH, statistic=statistic)
        assert math.isclose(claim.value(measured, "bn"), value)


def test_late_is_the_mean_over_the_last_fifth_of_the_points() -> None:
    measured = over_steps(bn=[0.0, *[1.0] * 8, 2.0, 4.0])
    assert replace(HIGH, statistic="late").value(measured, "bn") == 3.0


def test_what_is_not_finite_at_a_step_counts_as_infinite() -> None:
    """Wherever it stands: sorting a NaN would leave the median to chance."""
    for series in ([math.nan, 0.1, 0.2], [0.1, math.nan, 0.2], [0.1, 0.2, math.inf]):
        measured = over_steps(bn=series)
        assert replace(HIGH, statistic="median").value(measured, "bn") == 0.2
        assert replace(HIGH, statistic="mean").value(measured, "bn") == math.inf


def test_within_is_held_against_both_sides() -> None:
    near = replace(HIGH, relation="within", bound=0.5, tolerance=0.1)
    for value, held in (
        (0.39, False),
        (0.41, True),
        (0.59, True),
        (0.61, False),
        (math.nan, False),
    ):
        assert near.outcomes(over_steps(**{HIGH.arm: [value]})) == [held]


def test_a_factor_scales_what_it_is_held_against() -> None:
    tenfold = replace(PAIRED, factor=10, bound=0, if_held="{ratio:.0f} times")
    assert judge([tenfold], ended(bn=[1.0], cnn=[0.1])).text == "10 times"
    assert not tenfold.holds(ended(bn=[0.9], cnn=[0.1]))


def test_above_is_more_than_level() -> None:
    above = replace(PAIRED, relation="above", bound=0)
    assert above.outcomes(ended(bn=[0.6, 0.5, 0.4], cnn=[0.5, 0.5, 0.5])) == [True, False, False]


def test_a_claim_that_can_not_be_judged_leaves_the_verdict_open() -> None:
    unmeasured = replace(HIGH, metric="height")
    verdict = judge([HIGH, unmeasured], ended(bn=[0.9]))
    assert verdict.holds is None
    assert verdict.text.startswith("Reached 90%. Not all of it")
