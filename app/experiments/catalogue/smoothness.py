"""Is the landscape smoother?"""

from typing import Annotated

from pydantic import Field

from app.experiments.architectures import deep
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    BatchSize,
    Every,
    Experiment,
    LearningRate,
    Level,
    RunRequest,
    TrainingSpec,
    effort,
)
from app.experiments.metrics import (
    ACCURACY,
    BETA,
    BETA_ACTIVATION,
    EDGE_SHARE,
    GRADIENT_CHANGE,
    GRADIENT_DISTANCE,
    GRADIENT_DISTANCE_MIN,
    LOSS_CHANGE,
    LOSS_MAX,
    LOSS_MIN,
    LOSS_RANGE,
    SHARPNESS,
)


class Smoothness(RunRequest):
    """A deeper network and textbook BatchNorm: the effect needs depth."""

    depth: Annotated[
        int, Field(ge=2, le=12, description="Convolutions. At 2, the picture is mixed.")
    ] = 6
    learning_rate: LearningRate = 0.03
    batch_size: BatchSize = 64

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=deep(arm.norm, self.depth),
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            steps=self.steps,
            evaluate_every=20,
            measures=(
                Every(1, ("batch", "loss_change")),
                Every(4, ("along_gradient", "along_activation_gradient")),
                Every(20, ("edge",)),
            ),
            loss="train_loss",
        )

    @property
    def work(self) -> float:
        return effort(self.batch_size, self.depth) * self.steps

    def levels(self) -> tuple[Level, ...]:
        edge = "edge: 2/rate"
        return Level("beta", 2 / self.learning_rate, edge), Level("edge_share", 1, edge)


SMOOTHNESS = Experiment(
    slug="smoothness",
    title="The landscape along the gradient",
    claim="Along its gradient, the loss of a deep network varies less with BatchNorm, and the "
    "gradient can be trusted over a longer way.",
    arms=(Arm("cnn", "Plain", "none"), Arm("bn", "BatchNorm", "batch")),
    metrics=(
        LOSS_MIN,
        LOSS_MAX,
        LOSS_RANGE,
        GRADIENT_DISTANCE_MIN,
        GRADIENT_DISTANCE,
        BETA,
        EDGE_SHARE,
        SHARPNESS,
        BETA_ACTIVATION,
        GRADIENT_CHANGE,
        LOSS_CHANGE,
        ACCURACY,
    ),
    request=Smoothness,
    claims=(
        Claim(
            id="the-landscape-is-smoother",
            statement="Along the gradient, the loss varies less with BatchNorm.",
            arm="bn",
            metric="loss_range",
            statistic="mean",
            relation="below",
            bound=0,
            share=0.75,
            other="cnn",
            if_held="Along the gradient, the loss varied by {value:.2f} nats with BatchNorm and by "
            "{other:.2f} without, averaged over the run.",
            if_broken="Along the gradient, the loss varied more with BatchNorm this time: by "
            "{value:.2f} nats against {other:.2f} without, averaged over the run.",
            if_level="Along the gradient, the loss varied by {value:.2f} nats with BatchNorm and "
            "without,"
            " averaged over the run.",
            over_seeds="Along the gradient, the loss varied less with BatchNorm in {held} of "
            "{seeds} seeds (medians {value:.2f} and {other:.2f} nats).",
        ),
        Claim(
            id="gradients-are-more-predictive",
            statement="Along the gradient, the gradient itself changes less with BatchNorm.",
            arm="bn",
            metric="gradient_distance",
            statistic="mean",
            relation="below",
            bound=0,
            share=0.75,
            other="cnn",
            if_held="The gradient itself changed by {value:.3g} with BatchNorm and by {other:.3g}"
            " without.",
            if_broken="The gradient itself changed more with BatchNorm: by {value:.3g} against "
            "{other:.3g}.",
            if_level="The gradient itself changed by {value:.3g} with BatchNorm and without.",
            over_seeds="The gradient changed less with it in {held} of {seeds} (medians "
            "{value:.3g} and {other:.3g}).",
        ),
        Claim(
            id="effective-beta-is-lower",
            statement="The effective β of the loss is lower with BatchNorm.",
            arm="bn",
            metric="beta",
            statistic="mean",
            relation="below",
            bound=0,
            share=0.75,
            other="cnn",
            if_held="The effective β was lower with BatchNorm: {value:.3g} against {other:.3g}.",
            if_broken="The effective β was higher with BatchNorm: {value:.3g} against {other:.3g}.",
            if_level="The effective β was {value:.3g} with BatchNorm and without.",
            over_seeds="The effective β was lower with it in {held} of {seeds} (medians "
            "{value:.3g} and {other:.3g}).",
        ),
    ),
)
