"""How small may a batch be? BatchNorm against GroupNorm, running against precise statistics."""

from typing import Annotated

from pydantic import Field

from app.architectures import shallow
from app.claims import Claim
from app.experiments.base import (
    Arm,
    BatchSize,
    Experiment,
    LearningRate,
    RunRequest,
    TrainingSpec,
    effort,
)
from app.experiments.metrics import ACCURACY, PRECISE_ACCURACY, TEST_LOSS
from app.experiments.sweeps import Panel, Sweep

# Wu and Johnson find 10³ to 10⁴ images enough. Here, over four seeds at batch sizes 2, 4 and 16,
# 512 gave the accuracy of one batch of them all to within two images of a thousand.
PRECISE_IMAGES = 512


class SmallBatches(RunRequest):
    """The number of steps and the learning rate stay as they are, whatever the batch size."""

    batch_size: Annotated[
        BatchSize, Field(description="Images in a mini-batch. A cell of the maps sets it.")
    ] = 4
    learning_rate: LearningRate = 0.1
    steps: Annotated[
        int, Field(ge=10, le=600, description="How many mini-batches each network sees.")
    ] = 200

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=shallow(arm.norm, "after_pooling", 0.1),
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            steps=self.steps,
            evaluate_every=10,
            precise_images=PRECISE_IMAGES,
            precise_every=40,
        )

    @property
    def work(self) -> float:
        return effort(self.batch_size) * self.steps


BATCH_SIZE = Experiment(
    slug="batch-size",
    title="How small may a batch be?",
    claim="",
    arms=(
        Arm("cnn", "Plain", "none"),
        Arm("bn", "BatchNorm", "batch"),
        Arm("gn", "GroupNorm", "group"),
    ),
    metrics=(ACCURACY, PRECISE_ACCURACY, TEST_LOSS),
    request=SmallBatches,
    claims=(),
    sweep=Sweep(
        parameter="batch_size",
        name="batch size",
        values=(2, 4, 8, 16, 32, 64, 128),
        seeds=5,
        panels=(
            Panel("bn", "test_accuracy", "BatchNorm, running averages"),
            Panel("bn", "precise_accuracy", "BatchNorm, precise statistics"),
            Panel("gn", "test_accuracy", "GroupNorm"),
        ),
        low=0.5,
    ),
)
