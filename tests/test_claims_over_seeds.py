"""A claim whose seeds cost little, over twenty that nothing was tuned on.

The rest are judged by `make claims`, on the same seeds. Nothing is measured here but what the
claims are about, which changes no number.
"""

from dataclasses import replace

from app.experiments.learning_rates import LEARNING_RATES
from app.measurements import Measurements
from app.training.trainer import Trainer

SEEDS = {"seed": 2000, "seeds": 10}, {"seed": 2010, "seeds": 10}


def test_the_claims_about_learning_rates_hold_over_twenty_fresh_seeds(trainer: Trainer) -> None:
    measured = Measurements([arm.id for arm in LEARNING_RATES.arms])
    for seeds in SEEDS:
        for spec in LEARNING_RATES.trainings(LEARNING_RATES.parse(seeds)):
            for event in trainer.train(replace(spec, evaluate_every=spec.steps)):
                measured.add(event)
    for claim in LEARNING_RATES.claims:
        assert len(claim.outcomes(measured)) == 20
        assert claim.holds(measured), claim.sentence(measured)
