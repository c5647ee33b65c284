"""How sharp may a valley be that gradient descent goes along?"""

from typing import Annotated

from pydantic import Field

from app.experiments.architectures import ReLU, dense
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    Every,
    Experiment,
    LearningRate,
    Level,
    RunRequest,
    TrainingSpec,
)
from app.experiments.metrics import (
    EDGE_DISTANCE,
    LEADING_SHARE,
    LEADING_SPREAD,
    ONE_HOT_ERROR,
    SHARPNESS,
    TRAIN_ACCURACY,
)

HIDDEN = (32, 32, 32)


class EdgeOfStability(RunRequest):
    """Full-batch gradient descent on few images, so that the sharpness can be had."""

    steps: Annotated[
        int, Field(ge=10, le=1_000, description="Steps of gradient descent, all images in each.")
    ] = 600
    learning_rate: LearningRate = 0.2
    images: Annotated[
        int, Field(ge=50, le=1_000, description="Training images, seen all at once in each step.")
    ] = 300
    gain: Annotated[
        float,
        Field(ge=0.1, le=2, description="Weights of a layer with m inputs start as N(0, gain²/m)."),
    ] = 0.7

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=dense(arm.norm, HIDDEN, ReLU(), self.gain),
            learning_rate=self.learning_rate,
            batch_size=self.images,
            steps=self.steps,
            batches="always_the_same",
            criterion="one_hot_error",
            evaluation=None,
            measures=(Every(5, ("batch",)), Every(10, ("sharpness",)), Every(300, ("leading",))),
            loss="train_loss",
        )

    @property
    def work(self) -> float:
        # A step at 300 images, with its share of the products with the Hessian.
        return 0.2 * self.steps * self.images / 300

    def levels(self) -> tuple[Level, ...]:
        return (Level("sharpness", 2 / self.learning_rate, "2/η"),)


def _hovers(arm: str, name: str) -> Claim:
    return Claim(
        id=f"{arm}-hovers-at-the-edge",
        statement=f"{name}, the sharpness lies within a quarter of 2/rate for half of the run.",
        arm=arm,
        metric="edge_distance",
        statistic="median",
        relation="below",
        bound=0.25,
        share=0.75,
        if_held=f"{name}, the sharpness was within {{value:.0%}} of 2/η half the time.",
        if_broken=f"{name}, the sharpness kept away from 2/η: half the time it was at least "
        "{value:.0%} away.",
        over_seeds=f"{name}, the sharpness hovered within a quarter of 2/rate in {{held}} of "
        "{seeds} seeds (median distance {value:.0%}).",
    )


EDGE_OF_STABILITY = Experiment(
    slug="edge-of-stability",
    title="The edge of stability",
    claim="Under full-batch gradient descent, the sharpness of the loss comes to hover at two over "
    "the learning rate, with BatchNorm and without.",
    arms=(Arm("plain", "Plain", "none"), Arm("bn", "BatchNorm", "batch")),
    metrics=(
        SHARPNESS,
        ONE_HOT_ERROR,
        TRAIN_ACCURACY,
        EDGE_DISTANCE,
        LEADING_SHARE,
        LEADING_SPREAD,
    ),
    request=EdgeOfStability,
    claims=(
        _hovers("plain", "In the plain network"),
        _hovers("bn", "With BatchNorm"),
        Claim(
            id="the-gradient-starts-elsewhere",
            statement="Before the first step, less of the gradient lies along the ten sharpest "
            "directions with BatchNorm than without.",
            arm="bn",
            metric="leading_share",
            statistic="first",
            relation="below",
            bound=0,
            share=0.75,
            other="plain",
            if_held="Before the first step, {value:.0%} of the gradient lay along the ten sharpest "
            "directions with BatchNorm and {other:.0%} without.",
            if_broken="Before the first step, no less of the gradient lay along the ten sharpest "
            "directions with BatchNorm than without: {value:.0%} and {other:.0%}.",
            if_level="Before the first step, {value:.0%} of the gradient lay along the ten "
            "sharpest directions, with BatchNorm and without.",
            over_seeds="Before the first step, {value:.0%} of the gradient lay along the ten "
            "sharpest directions with BatchNorm and {other:.0%} without (medians; less with it in "
            "{held} of {seeds}).",
        ),
    ),
)
