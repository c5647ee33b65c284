"""Is it the statistics of BatchNorm that matter?"""

from app.architectures import shallow
from app.claims import Claim
from app.experiments.base import (
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
    """The same network with other divisors than the standard deviation."""

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


def _first(arm: str, name: str) -> str:
    """How the sentence about that arm begins: the first one says what all of them count."""
    plain = (
        "Averaged over the run, the plain network had {other:.1%} of the test images right. "
        if arm == "bn"
        else ""
    )
    return f"{plain}With {name}, it was "


NORMS = Experiment(
    slug="norms",
    title="Other norms",
    claim="Normalisation by an ℓ1, ℓ2 or ℓ∞ norm helps about as much as BatchNorm, though it "
    "does not fix the variance.",
    arms=(
        Arm("none", "Plain", "none"),
        Arm("bn", "BatchNorm", "batch"),
        Arm("l1", "ℓ1 norm", "l1", dashed=True),
        Arm("l2", "ℓ2 norm", "l2", dashed=True),
        Arm("lmax", "ℓ∞ norm", "lmax", dashed=True),
    ),
    metrics=(TRAIN_LOSS, ACCURACY, TEST_LOSS, MEAN_SHIFT, VARIANCE_SHIFT),
    request=Norms,
    claims=tuple(
        Claim(
            id=f"{arm}-learns-faster",
            statement=f"Averaged over the run, the network with {name} has more test images right "
            "than the plain one.",
            arm=arm,
            metric="test_accuracy",
            statistic="mean",
            relation="above",
            bound=0,
            share=0.75,
            other="none",
            if_held=first + "{value:.1%}.",
            if_level=first + "{value:.1%}, as much as the plain network’s.",
            if_broken=first + "{value:.1%}, less than the plain network’s {other:.1%}.",
            over_seeds=f"With {name}, it was more than the plain network’s in {{held}} of "
            f"{{seeds}} "
            "seeds (medians {value:.1%} and {other:.1%}).",
        )
        for arm, name in (
            ("bn", "BatchNorm"),
            ("l1", "the ℓ1 norm"),
            ("l2", "the ℓ2 norm"),
            ("lmax", "the ℓ∞ norm"),
        )
        for first in (_first(arm, name),)
    ),
)
