"""How far does a gradient say what lies ahead?"""

from typing import Annotated

from pydantic import Field

from app.experiments.architectures import Norm, deep
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    BatchSize,
    Every,
    Experiment,
    LearningRate,
    Level,
    Profile,
    RunRequest,
    TrainingSpec,
    effort,
)
from app.experiments.metrics import (
    ACCURACY,
    BETA_OVER_DISTANCE,
    CHANGE_OVER_DISTANCE,
    LOSS_OVER_DISTANCE,
    REACH,
    TRAIN_LOSS,
)

# Distances, as powers of two of the learning rate.
LOW, HIGH = -6, 6


class Distance(RunRequest):
    """The deep network of figure `smoothness`, seen along its gradient from near to far."""

    norm: Annotated[Norm, Field(description="What the second network has before each ReLU.")] = (
        "batch"
    )
    depth: Annotated[int, Field(ge=2, le=12, description="Convolutions.")] = 6
    learning_rate: LearningRate = 0.03
    batch_size: BatchSize = 64

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=deep("none" if arm.norm == "none" else self.norm, self.depth),
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            steps=self.steps,
            evaluate_every=20,
            measures=(Every(1, ("batch",)), Every(10, ("over_distance",))),
            loss="train_loss",
        )

    @property
    def work(self) -> float:
        return effort(self.batch_size, self.depth) * self.steps

    def levels(self) -> tuple[Level, ...]:
        # There the gradient has changed by as much as its own length.
        ends = (1 / (self.learning_rate * 2.0**exponent) for exponent in (LOW, HIGH))
        near, far = ends
        return (
            Level("beta_over_distance", near, "1/a", until=far),
            Level("change_over_distance", 1, "its own length"),
        )


# Every second place has a label; a value that is read has the name of its own.
NAMES = (
    *((-6, "1/64"), (-5, "1/32"), (-4, "1/16"), (-3, "⅛"), (-2, "¼"), (-1, "½"), (0, "1")),
    *((1, "2"), (2, "4"), (3, "8"), (4, "16"), (5, "32"), (6, "64")),
)
TICKS = NAMES[::2]
FAR = "distance a along the gradient, in learning rates"

DISTANCE = Experiment(
    slug="distance",
    title="How far the gradient can be trusted",
    claim="With BatchNorm, the gradient stays what it was over a longer way.",
    arms=(Arm("cnn", "Plain", "none"), Arm("bn", "With the norm", "batch")),
    metrics=(REACH, TRAIN_LOSS, ACCURACY),
    profiles=tuple(
        Profile(metric, FAR, low=LOW, high=HIGH, ticks=TICKS, names=NAMES)
        for metric in (BETA_OVER_DISTANCE, CHANGE_OVER_DISTANCE, LOSS_OVER_DISTANCE)
    ),
    request=Distance,
    claims=(
        Claim(
            id="the-gradient-reaches-farther",
            statement="At the end of the run, the gradient has changed by half its length at a "
            "greater distance with BatchNorm.",
            arm="bn",
            metric="reach",
            relation="above",
            bound=0,
            share=0.75,
            other="cnn",
            if_held="At the end of the run, the gradient had changed by half its length after "
            "{value:.2g} learning rates with the norm, and after {other:.2g} without.",
            if_broken="At the end of the run, the gradient had changed by half its length after "
            "{value:.2g} learning rates with the norm, and only after {other:.2g} without.",
            if_level="At the end of the run, the gradient had changed by half its length after "
            "{value:.2g} learning rates with the norm and without.",
            over_seeds="At the end of the run, the gradient held longer with the norm in {held} of "
            "{seeds} seeds: it had changed by half its length after {value:.2g} learning "
            "rates, and after {other:.2g} without (medians).",
        ),
    ),
)
