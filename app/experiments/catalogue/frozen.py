"""Is it the first normalisation that helps, or normalising anew at every step?"""

from app.experiments.architectures import deep_or_shallow
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    BatchSize,
    DeepOrShallow,
    Depth,
    Every,
    Experiment,
    FewerSteps,
    LearningRate,
    RunRequest,
    TrainingSpec,
    effort,
)
from app.experiments.metrics import ACCURACY, TEST_LOSS, TRAIN_LOSS


class Frozen(RunRequest):
    """Trains BatchNorm beside a copy that keeps the statistics of its first mini-batch."""

    steps: FewerSteps = 100
    network: DeepOrShallow = "deep"
    depth: Depth = 6
    learning_rate: LearningRate = 0.1
    batch_size: BatchSize = 64

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=deep_or_shallow(self.network, arm.norm, self.depth),
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
        return effort(self.batch_size, self.depth) * self.steps


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
