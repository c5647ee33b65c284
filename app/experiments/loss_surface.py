"""What does the loss look like around a trained network?"""

from typing import Annotated

from pydantic import Field

from app.architectures import shallow
from app.experiments.base import Arm, Experiment, RunRequest, TrainingSpec
from app.experiments.metrics import ACCURACY, TEST_LOSS


class LossSurface(RunRequest):
    """A map of the loss around the final weights, and the way to those of the next seed."""

    learning_rate: Annotated[float, Field(ge=0.001, le=1, description="Of both.")] = 0.1
    gamma0: Annotated[float, Field(ge=0.01, le=2, description="Where every γ starts.")] = 0.1

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=shallow(arm.norm, "after_pooling", self.gamma0),
            learning_rate=self.learning_rate,
            batch_size=20,
            steps=self.steps,
            evaluate_every=10,
            surface_points=17,
        )


LOSS_SURFACE = Experiment(
    slug="loss-surface",
    title="The loss around the trained networks",
    claim="",
    arms=(Arm("cnn", "Plain", "none"), Arm("bn", "BatchNorm", "batch")),
    metrics=(TEST_LOSS, ACCURACY),
    request=LossSurface,
    claims=(),
)
