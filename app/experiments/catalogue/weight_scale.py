"""What does the length of the weights do, with BatchNorm behind them and without?"""

from typing import Annotated

from pydantic import Field

from app.experiments.architectures import deep
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    Every,
    Experiment,
    LearningRate,
    Profile,
    RunRequest,
    TrainingSpec,
    effort,
)
from app.experiments.metrics import (
    ACCURACY,
    CURVATURE_POWER,
    EFFECTIVE_RATE,
    GRADIENT_POWER,
    LOSS_SPREAD,
    SCALED_CURVATURE,
    SCALED_GRADIENT,
    SCALED_LOSS,
    STEP_ANGLE,
    TRAIN_LOSS,
)

DEPTH, BATCH_SIZE = 6, 64
LOG_C = ((-2, "¼"), (-1, "½"), (0, "1"), (1, "2"), (2, "4"))


class WeightScale(RunRequest):
    """The network of `smoothness`, the weights of its convolutions times 2 to some power."""

    steps: Annotated[
        int, Field(ge=10, le=200, description="How many mini-batches each network sees.")
    ] = 60
    doublings: Annotated[
        int,
        Field(
            ge=-2,
            le=2,
            description="The convolutions’ weights start at 2 to this power times He et al.’s.",
        ),
    ] = 0
    learning_rate: LearningRate = 0.03

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=deep(arm.norm, DEPTH, scale=2**self.doublings),
            learning_rate=self.learning_rate,
            batch_size=BATCH_SIZE,
            steps=self.steps,
            evaluate_every=10,
            measures=(Every(0, ("over_weight_scale",)), Every(1, ("loss", "rotation"))),
            loss="train_loss",
        )

    @property
    def work(self) -> float:
        return effort(BATCH_SIZE) * self.steps


WEIGHT_SCALE = Experiment(
    slug="weight-scale",
    title="The same network with longer weights",
    claim="Below BatchNorm the length of the weights makes no difference to the loss; the gradient "
    "falls as one over it, and the curvature as one over its square.",
    arms=(Arm("cnn", "Plain", "none"), Arm("bn", "BatchNorm", "batch")),
    metrics=(
        TRAIN_LOSS,
        ACCURACY,
        LOSS_SPREAD,
        GRADIENT_POWER,
        CURVATURE_POWER,
        STEP_ANGLE,
        EFFECTIVE_RATE,
    ),
    profiles=tuple(
        Profile(metric, "factor c on the weights", LOG_C[0][0], LOG_C[-1][0], LOG_C)
        for metric in (SCALED_LOSS, SCALED_GRADIENT, SCALED_CURVATURE)
    ),
    request=WeightScale,
    lead="doublings",
    claims=(
        Claim(
            id="the-loss-stays",
            statement="From a quarter to four times the weights, the first loss with BatchNorm "
            "changes by less than 0.01 nats.",
            arm="bn",
            metric="loss_spread",
            relation="below",
            bound=0.01,
            share=0.95,
            weight="arithmetic",
            if_held="From a quarter of the weights to four times them, the first loss changed by "
            "{value:.4f} nats with BatchNorm.",
            if_broken="From a quarter of the weights to four times them, the first loss changed "
            "by as much as {value:.2f} nats with BatchNorm.",
            over_seeds="From a quarter of the weights to four times them, the first loss changed "
            "by {value:.4f} nats with BatchNorm (by less than 0.01 in {held} of {seeds} seeds).",
        ),
        Claim(
            id="the-gradient-falls",
            statement="With BatchNorm the gradient falls about as 1/c.",
            arm="bn",
            metric="gradient_power",
            relation="within",
            bound=-1,
            tolerance=0.05,
            share=0.95,
            weight="arithmetic",
            if_held="The gradient went as c to the power of {value:.2f}.",
            if_broken="The gradient did not go as 1/c, but as c to the power of {value:.2f}.",
            over_seeds="The gradient went as c to the power of {value:.2f} (within 0.05 of −1 in "
            "{held} of {seeds}).",
        ),
        Claim(
            id="the-curvature-falls-faster",
            statement="With BatchNorm the curvature along the gradient falls about as 1/c².",
            arm="bn",
            metric="curvature_power",
            relation="within",
            bound=-2,
            tolerance=0.1,
            share=0.95,
            weight="arithmetic",
            if_held="The curvature along the gradient went as c to the power of {value:.2f}.",
            if_broken="The curvature along the gradient did not go as 1/c², but as c to the power "
            "of {value:.2f}.",
            over_seeds="The curvature along the gradient went as c to the power of {value:.2f} "
            "(within 0.1 of −2 in {held} of {seeds}).",
        ),
        Claim(
            id="it-learns",
            statement="The network with BatchNorm ends ahead of the plain one.",
            arm="bn",
            metric="test_accuracy",
            relation="above",
            bound=0,
            share=0.75,
            other="cnn",
            if_held="After training, the network with BatchNorm had {value:.1%} of the test "
            "images right and the plain one {other:.1%}.",
            if_broken="After training, the network with BatchNorm was behind: it had {value:.1%} "
            "of the test images right and the plain one {other:.1%}.",
            if_level="After training, both networks had {value:.1%} of the test images right.",
            over_seeds="After training, the network with BatchNorm was ahead in {held} of {seeds}"
            " seeds (medians {value:.1%} and {other:.1%}).",
        ),
    ),
)
