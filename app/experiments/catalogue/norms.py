"""Is it the statistics of BatchNorm that matter?"""

from app.experiments.architectures import shallow
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    BatchSize,
    Every,
    Experiment,
    Gamma0,
    LearningRate,
    Placed,
    RunRequest,
    TrainingSpec,
    effort,
)
from app.experiments.metrics import ACCURACY, MEAN_SHIFT, TEST_LOSS, TRAIN_LOSS, VARIANCE_SHIFT


class Norms(RunRequest):
    """Trains one network with several divisors in place of the standard deviation."""

    learning_rate: LearningRate = 0.1
    gamma0: Gamma0 = 1.0
    placement: Placed = "after_pooling"
    batch_size: BatchSize = 20

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=shallow(arm.norm, self.placement, self.gamma0),
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            steps=self.steps,
            evaluate_every=5,
            measures=(Every(1, ("batch", "shift")),),
            loss="train_loss",
        )

    @property
    def work(self) -> float:
        return effort(self.batch_size) * self.steps


def _better(arm: str, name: str) -> Claim:
    """That it learns faster, by the loss that is minimised: running averages have no part in it."""
    return Claim(
        id=f"{arm}-learns-faster",
        statement=f"Averaged over the run, the training loss is lower with {name} than in the "
        "plain network.",
        arm=arm,
        metric="train_loss",
        statistic="mean",
        relation="below",
        bound=0,
        share=0.75,
        other="none",
        if_held=f"Averaged over the run, the training loss was {{value:.2f}} nats with {name} and "
        "{other:.2f} in the plain network.",
        if_level=f"Averaged over the run, the training loss was {{value:.2f}} nats with {name} and "
        "in the plain network.",
        if_broken=f"Averaged over the run, the training loss was higher with {name}: {{value:.2f}} "
        "nats, against {other:.2f} in the plain network.",
        over_seeds=f"Averaged over the run, the training loss was lower with {name} in {{held}} of "
        "{seeds} seeds (medians {value:.2f} and {other:.2f} nats).",
    )


NORMS = Experiment(
    slug="norms",
    title="Other norms",
    claim="Normalisation by an ℓ2 norm helps as much as BatchNorm, though it does not fix the "
    "variance; an ℓ1 norm helps less surely, and an ℓ∞ norm does not lower the training loss.",
    arms=(
        Arm("none", "Plain", "none"),
        Arm("bn", "BatchNorm", "batch"),
        Arm("l1", "ℓ1 norm", "l1", dashed=True),
        Arm("l2", "ℓ2 norm", "l2", dashed=True),
        Arm("lmax", "ℓ∞ norm", "lmax", dashed=True),
    ),
    metrics=(TRAIN_LOSS, ACCURACY, TEST_LOSS, MEAN_SHIFT, VARIANCE_SHIFT),
    request=Norms,
    claims=(
        _better("bn", "BatchNorm"),
        _better("l1", "the ℓ1 norm"),
        _better("l2", "the ℓ2 norm"),
        Claim(
            id="lmax-ends-no-lower",
            statement="In the last fifth of the run, the training loss with the ℓ∞ norm is no "
            "lower than in the plain network.",
            arm="lmax",
            metric="train_loss",
            statistic="late",
            relation="at_least",
            bound=0,
            share=0.75,
            other="none",
            if_held="In the last fifth of the run, the training loss was {value:.2f} nats with "
            "the ℓ∞ norm and {other:.2f} in the plain network.",
            if_level="In the last fifth of the run, the training loss was {value:.2f} nats with "
            "the ℓ∞ norm and in the plain network.",
            if_broken="In the last fifth of the run, the training loss was lower with the ℓ∞ norm: "
            "{value:.2f} nats, against {other:.2f} in the plain network.",
            over_seeds="In the last fifth of the run, the training loss with the ℓ∞ norm was no "
            "lower than in the plain network in {held} of {seeds} (medians {value:.2f} and "
            "{other:.2f} nats).",
        ),
    ),
)
