"""`python -m tests.failures.faulty`: the server, with experiments that go wrong in real workers."""

import sys
from dataclasses import replace

from app.__main__ import main
from app.experiments import EXPERIMENTS
from app.experiments.catalogue.learning_rates import LEARNING_RATES, LearningRates
from app.experiments.definition import Arm, Experiment, TrainingSpec


def faulty(slug: str, **fault: object) -> Experiment:
    """The first figure's experiment with one network, whose training differs in `fault`."""

    class Faulty(LearningRates):
        def training(self, arm: Arm, seed: int) -> TrainingSpec:
            return replace(super().training(arm, seed), **fault)  # type: ignore[arg-type]

    arms = LEARNING_RATES.arms[:1]
    return replace(LEARNING_RATES, slug=slug, arms=arms, claims=(), request=Faulty)


# Of a million examples of 784 numbers: 3.1 GB in one piece.
HUNGRY = faulty("hungry", batches="linear_map", batch_size=1_000_000)
EXPLODES = faulty("explodes", learning_rate=1e30)
RAISES = faulty("raises", criterion="no-such-criterion")

if __name__ == "__main__":
    EXPERIMENTS.update({each.slug: each for each in (HUNGRY, EXPLODES, RAISES)})
    sys.exit(main([]))
