"""How small may a batch be? BatchNorm against GroupNorm, running against precise statistics."""

from typing import Annotated

from pydantic import Field

from app.experiments.architectures import shallow
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    BatchSize,
    Experiment,
    LearningRate,
    RunRequest,
    TrainingSpec,
    effort,
)
from app.experiments.metrics import ACCURACY, PRECISE_ACCURACY, PRECISE_GAIN, TEST_LOSS
from app.experiments.sweeps import Panel, Sweep

# Wu and Johnson find 10³ to 10⁴ images enough. Here, over four seeds at batch sizes 2, 4 and 16,
# 512 gave the accuracy of one batch of them all to within two images of a thousand.
PRECISE_IMAGES = 512


class SmallBatches(RunRequest):
    """The number of steps and the learning rate stay as they are, whatever the batch size."""

    batch_size: Annotated[
        BatchSize, Field(description="Images in a mini-batch. A cell of the maps sets it.")
    ] = 2
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
    claim="In this shallow network, BatchNorm survives mini-batches of two images: it ends ahead "
    "of the plain network and about level with GroupNorm, and its running averages cost little.",
    arms=(
        Arm("cnn", "Plain", "none"),
        Arm("bn", "BatchNorm", "batch"),
        Arm("gn", "GroupNorm", "group"),
    ),
    metrics=(ACCURACY, PRECISE_ACCURACY, PRECISE_GAIN, TEST_LOSS),
    request=SmallBatches,
    claims=(
        Claim(
            id="two-images-are-enough",
            statement="With two images a mini-batch, BatchNorm ends ahead of the plain network.",
            arm="bn",
            metric="test_accuracy",
            relation="above",
            bound=0,
            share=0.75,
            other="cnn",
            if_held="BatchNorm ended ahead of the plain network, with {value:.1%} of the test "
            "images right against {other:.1%}.",
            if_broken="BatchNorm ended behind the plain network, with {value:.1%} of the test "
            "images right against {other:.1%}.",
            if_level="BatchNorm and the plain network both ended with {value:.1%} of the test "
            "images "
            "right.",
            over_seeds="BatchNorm ended ahead of the plain network in {held} of {seeds} "
            "seeds (medians {value:.1%} and {other:.1%}).",
        ),
        Claim(
            id="groupnorm-is-not-far-ahead",
            statement="With two images a mini-batch, BatchNorm ends at most three points behind "
            "GroupNorm.",
            arm="bn",
            metric="test_accuracy",
            relation="at_least",
            bound=-0.03,
            share=0.75,
            other="gn",
            if_held="GroupNorm ended with {other:.1%}.",
            if_broken="GroupNorm ended with {other:.1%}, more than three points ahead of "
            "BatchNorm.",
            over_seeds="GroupNorm ended at most three points ahead of it in {held} of {seeds} "
            "(median {other:.1%}).",
        ),
        Claim(
            id="running-averages-cost-little",
            statement="Precise statistics gain less than two points over running averages.",
            arm="bn",
            metric="precise_gain",
            relation="below",
            bound=0.02,
            share=0.75,
            if_held="Precise statistics in place of running averages changed BatchNorm’s result "
            "by {value:+.1%} of all test images.",
            if_broken="BatchNorm’s running averages had a cost this time: precise statistics "
            "changed its result by {value:+.1%} of all test images.",
            over_seeds="Precise statistics in place of BatchNorm’s running averages gained less "
            "than two points in {held} of {seeds} (median {value:+.1%} of all test images).",
        ),
    ),
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
