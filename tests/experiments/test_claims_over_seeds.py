"""The first claims of the article, over twenty seeds that nothing was tuned on.

The rest are judged by `make claims`, on the same seeds. Nothing is measured here but what the
claims are about, which changes no number.
"""

from dataclasses import replace

import pytest

from app.experiments.catalogue.learning_rates import LEARNING_RATES
from app.measurements import Measurements
from app.training.trainer import Trainer

SEEDS = {"seed": 2000, "seeds": 10}, {"seed": 2010, "seeds": 10}


@pytest.mark.long
def test_the_claims_about_the_high_rate_hold_over_twenty_fresh_seeds(trainer: Trainer) -> None:
    claims = [claim for claim in LEARNING_RATES.claims if claim.id.startswith("high-rate")]
    arms = [claim.arm for claim in claims]
    measured = Measurements(arms)
    for seeds in SEEDS:
        for spec in LEARNING_RATES.trainings(LEARNING_RATES.parse(seeds)):
            if spec.arm in arms:
                for event in trainer.train(replace(spec, evaluate_every=spec.steps)):
                    measured.add(event)
    assert len(claims) == 2
    for claim in claims:
        assert len(claim.outcomes(measured)) == 20
        assert claim.holds(measured), claim.sentence(measured)
