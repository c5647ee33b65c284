"""Does BatchNorm help, and when?"""

from typing import Annotated, Literal

from pydantic import Field

from app.experiments.architectures import shallow
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    BatchSize,
    Experiment,
    Gamma0,
    Placed,
    RunRequest,
    TrainingSpec,
    effort,
)
from app.experiments.metrics import ACCURACY, DEAD_UNITS, TEST_LOSS


class LearningRates(RunRequest):
    """Does BatchNorm help, and when? Where γ starts and where the norm sits decide it."""

    gamma0: Annotated[
        Gamma0, Field(description="Where every γ starts. At 1, see what happens.")
    ] = 0.1
    placement: Placed = "after_pooling"
    batch_size: BatchSize = 20
    statistics: Annotated[
        Literal["running", "precise"],
        Field(
            description="What BatchNorm is tested with: its running averages, or statistics taken "
            "anew on 512 training images. The training is the same."
        ),
    ] = "running"
    longest_gradient: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description="The plain networks’ gradient is shortened to this length if it is longer. "
            "0 leaves it as it is; try 1.",
        ),
    ] = 0

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        assert arm.learning_rate is not None
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=shallow(arm.norm, self.placement, self.gamma0),
            learning_rate=arm.learning_rate,
            batch_size=self.batch_size,
            steps=self.steps,
            statistics=self.statistics,
            longest_gradient=self.longest_gradient if arm.norm == "none" else 0,
        )

    @property
    def work(self) -> float:
        # Statistics taken anew at every second step double the time of the figure.
        anew = 2 if self.statistics == "precise" else 1
        return effort(self.batch_size) * self.steps * anew


LEARNING_RATES = Experiment(
    slug="learning-rates",
    title="Two networks, two learning rates",
    claim="BatchNorm trains at a learning rate at which the plain network gets lost, "
    "and is at least level with it at a low one.",
    arms=(
        Arm("cnn@0.1", "Plain, rate 0.1", "none", 0.1, dashed=True),
        Arm("bn@0.1", "BatchNorm, rate 0.1", "batch", 0.1, dashed=True),
        Arm("cnn@0.5", "Plain, rate 0.5", "none", 0.5),
        Arm("bn@0.5", "BatchNorm, rate 0.5", "batch", 0.5),
    ),
    metrics=(TEST_LOSS, ACCURACY, DEAD_UNITS),
    request=LearningRates,
    claims=(
        Claim(
            id="high-rate-batchnorm-trains",
            statement="At learning rate 0.5 the network with BatchNorm reaches 80% accuracy.",
            arm="bn@0.5",
            metric="test_accuracy",
            relation="at_least",
            bound=0.80,
            share=0.75,
            if_held="At learning rate 0.5, BatchNorm trained: it ended with {value:.1%} of the "
            "test images right.",
            if_broken="At learning rate 0.5, the network with BatchNorm ended with {value:.1%} of"
            " the test images right, short of 80%.",
            over_seeds="At learning rate 0.5, BatchNorm reached 80% "
            "in {held} of {seeds} seeds (median {value:.1%}).",
        ),
        Claim(
            id="high-rate-plain-gets-lost",
            statement="At learning rate 0.5 the plain network stays below 80% accuracy.",
            arm="cnn@0.5",
            metric="test_accuracy",
            relation="below",
            bound=0.80,
            share=0.75,
            if_held="The plain network ended with {value:.1%}, short of 80%.",
            if_broken="The plain network reached 80% this time: it ended with {value:.1%}.",
            over_seeds="The plain network ended below it in {held} of {seeds} "
            "(median {value:.1%}).",
        ),
        Claim(
            id="low-rate-at-least-level",
            statement="At learning rate 0.1 BatchNorm ends at most one point behind.",
            arm="bn@0.1",
            metric="test_accuracy",
            relation="at_least",
            bound=-0.01,
            share=0.75,
            other="cnn@0.1",
            if_held="At 0.1, BatchNorm ended at {value:.1%} and the plain network at {other:.1%}.",
            if_broken="At 0.1 the plain network ended ahead, {other:.1%} to {value:.1%}.",
            over_seeds="At 0.1, BatchNorm ended at most one point behind in {held} of {seeds} "
            "(medians {value:.1%} and {other:.1%}).",
        ),
    ),
)
