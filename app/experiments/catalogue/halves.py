"""Which half of BatchNorm helps, the mean or the deviation, and must they be taken anew?"""

from app.experiments.architectures import deep
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    BatchSize,
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


class Halves(RunRequest):
    """The deep network of figure `smoothness` with parts of BatchNorm."""

    steps: FewerSteps = 100
    learning_rate: LearningRate = 0.3
    depth: Depth = 6
    batch_size: BatchSize = 64

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=deep(arm.norm, self.depth),
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


HALVES = Experiment(
    slug="halves",
    title="Half of BatchNorm",
    claim="At a large rate, a deep network that has only its means taken out learns nearly as well "
    "as with BatchNorm; one that is only divided by its deviations learns less surely.",
    arms=(
        Arm("cnn", "Plain", "none"),
        Arm("bn", "BatchNorm", "batch"),
        Arm("mean", "Mean only", "mean", dashed=True),
        Arm("deviation", "Deviation only", "deviation", dashed=True),
    ),
    metrics=(TRAIN_LOSS, ACCURACY, TEST_LOSS),
    request=Halves,
    claims=(
        Claim(
            id="the-mean-ends-ahead-of-plain",
            statement="With the mean alone taken out, the network ends ahead of the plain one.",
            arm="mean",
            metric="test_accuracy",
            relation="above",
            bound=0,
            share=0.75,
            other="cnn",
            if_held="With the mean alone, the network ended ahead of the plain one, with "
            "{value:.1%} of the test images right against {other:.1%}.",
            if_broken="With the mean alone, the network ended behind the plain one, with "
            "{value:.1%} of the test images right against {other:.1%}.",
            if_level="With the mean alone and without a norm, {value:.1%} of the test images were "
            "right in the end.",
            over_seeds="With the mean alone, the network ended ahead of the plain one in {held} of "
            "{seeds} seeds (medians {value:.1%} and {other:.1%}).",
        ),
        Claim(
            id="the-mean-ends-ahead-of-the-deviation",
            statement="It also ends ahead of the one that is only divided by the deviation.",
            arm="mean",
            metric="test_accuracy",
            relation="above",
            bound=0,
            share=0.75,
            other="deviation",
            if_held="The mean alone ended ahead of the deviation alone, with {value:.1%} of the "
            "test images right against {other:.1%}.",
            if_broken="The mean alone ended behind the deviation alone, with {value:.1%} of the "
            "test images right against {other:.1%}.",
            if_level="With the mean alone and with the deviation alone, {value:.1%} of the test "
            "images were right in the end.",
            over_seeds="The mean alone ended ahead of the deviation alone in {held} of {seeds} "
            "(medians {value:.1%} and {other:.1%}).",
        ),
    ),
)
