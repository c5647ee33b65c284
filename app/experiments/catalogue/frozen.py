"""Is it the first normalisation that helps, or normalising anew at every step?"""

from typing import Annotated, Literal

from pydantic import Field

from app.experiments.architectures import deep, shallow
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    BatchSize,
    Every,
    Experiment,
    LearningRate,
    RunRequest,
    TrainingSpec,
    effort,
)
from app.experiments.metrics import ACCURACY, TEST_LOSS, TRAIN_LOSS


class Frozen(RunRequest):
    """The same function at step 0, with BatchNorm and with its statistics kept from then on."""

    network: Annotated[
        Literal["deep", "shallow"],
        Field(
            description="Of as many convolutions as depth says and textbook BatchNorm, or the two "
            "blocks of the first figure."
        ),
    ] = "deep"
    depth: Annotated[int, Field(ge=2, le=12, description="Convolutions of the deep network.")] = 6
    learning_rate: LearningRate = 0.1
    batch_size: BatchSize = 64

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=deep(arm.norm, self.depth)
            if self.network == "deep"
            else shallow(arm.norm, "after_pooling", gamma0=0.1),
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            steps=self.steps,
            statistics="precise",
            evaluate_every=10,
            measures=(Every(1, ("loss",)),),
            loss="train_loss",
        )

    @property
    def work(self) -> float:
        return effort(self.batch_size) * self.steps


FROZEN = Experiment(
    slug="frozen",
    title="Normalised once and for all",
    claim="A network that keeps the statistics of its first mini-batch is BatchNorm’s before the "
    "first step and falls behind it afterwards.",
    arms=(
        Arm("cnn", "Plain", "none"),
        Arm("bn", "BatchNorm", "batch"),
        Arm("frozen", "BatchNorm, frozen at the start", "frozen", dashed=True),
    ),
    metrics=(TRAIN_LOSS, ACCURACY, TEST_LOSS),
    request=Frozen,
    claims=(
        Claim(
            id="frozen-ends-behind-batchnorm",
            statement="With frozen statistics, the network ends behind BatchNorm.",
            arm="frozen",
            metric="test_accuracy",
            relation="below",
            bound=0,
            share=0.75,
            other="bn",
            if_held="With frozen statistics, the network ended behind BatchNorm, with {value:.1%} "
            "of the test images right against {other:.1%}.",
            if_broken="With frozen statistics, the network ended ahead of BatchNorm, with "
            "{value:.1%} of the test images right against {other:.1%}.",
            if_level="With frozen statistics and with BatchNorm, {value:.1%} of the test images "
            "were right in the end.",
            over_seeds="With frozen statistics, the network ended behind BatchNorm in {held} of "
            "{seeds} seeds (medians {value:.1%} and {other:.1%}).",
        ),
    ),
)
