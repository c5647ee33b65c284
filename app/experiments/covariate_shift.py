"""Does BatchNorm need the stability that it is said to give?"""

from typing import Annotated

from pydantic import Field

from app.architectures import shallow
from app.experiments.base import Arm, Every, Experiment, RunRequest, TrainingSpec
from app.experiments.metrics import (
    ACCURACY,
    ICS_COSINE,
    ICS_DISTANCE,
    MEAN_SHIFT,
    TEST_LOSS,
    TRAIN_ACCURACY,
    TRAIN_LOSS,
    VARIANCE_SHIFT,
)


class CovariateShift(RunRequest):
    """Noise behind each norm, at a learning rate at which all four arms can learn."""

    learning_rate: Annotated[
        float, Field(ge=0.001, le=1, description="Of all four. At 0.3, noisy BatchNorm fails too.")
    ] = 0.1
    gamma0: Annotated[float, Field(ge=0.01, le=2, description="Where every γ starts.")] = 1.0

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=shallow(arm.norm, "after_pooling", self.gamma0, noise=arm.noise),
            learning_rate=self.learning_rate,
            batch_size=20,
            steps=self.steps,
            evaluate_every=5,
            measures=(Every(1, ("batch", "shift", "covariate_shift")),),
            histogram_every=2,
            loss="train_loss",
        )

    @property
    def work(self) -> float:
        return 1.1 * self.steps


COVARIATE_SHIFT = Experiment(
    slug="covariate-shift",
    title="Noise where there should be none",
    claim="With BatchNorm, a network learns well although noise makes its layers’ inputs shift far "
    "more than without; the same noise without BatchNorm does it harm.",
    arms=(
        Arm("cnn", "Plain", "none"),
        Arm("bn", "BatchNorm", "batch"),
        Arm("bn+noise", "BatchNorm, then noise", "batch", noise=True, dashed=True),
        Arm("cnn+noise", "Plain, with noise", "none", noise=True, dashed=True),
    ),
    metrics=(
        TRAIN_LOSS,
        TRAIN_ACCURACY,
        TEST_LOSS,
        ACCURACY,
        MEAN_SHIFT,
        VARIANCE_SHIFT,
        ICS_DISTANCE,
        ICS_COSINE,
    ),
    request=CovariateShift,
    claims=(),
)
