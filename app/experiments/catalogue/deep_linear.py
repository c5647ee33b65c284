"""Is a deep linear network smoother with BatchNorm?"""

from dataclasses import replace
from typing import Annotated

from pydantic import Field

from app.experiments.architectures import linear_chain
from app.experiments.claims import Claim
from app.experiments.definition import Arm, Every, Experiment, Level, RunRequest, TrainingSpec
from app.experiments.metrics import (
    BETA,
    EDGE_SHARE,
    GRADIENT_CHANGE,
    GRADIENT_DISTANCE,
    GRADIENT_DISTANCE_MIN,
    LOSS_MAX,
    LOSS_MIN,
    LOSS_RANGE,
    SHARPNESS,
    TRAIN_LOSS,
)

# Santurkar et al. 2018, §3.2 and the appendix on deep linear networks.
DEPTH, WIDTH, EXAMPLES = 25, 10, 1_000


class DeepLinear(RunRequest):
    """25 linear layers of 10×10 that fit A·x to a thousand examples, all of them at every step."""

    steps: Annotated[int, Field(ge=10, le=2_000, description="Updates, each on all examples.")] = (
        600
    )
    learning_rate: Annotated[
        float,
        Field(
            ge=1e-8,
            le=1e-5,
            description="Of both networks; the loss is a sum, hence so small. Try 1e-7.",
        ),
    ] = 1e-6
    scale: Annotated[
        float,
        Field(ge=0.5, le=1.5, description="All first weights, times Glorot and Bengio’s. Try 1.1."),
    ] = 1.0

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=linear_chain(arm.norm, DEPTH, WIDTH, scale=self.scale),
            learning_rate=self.learning_rate,
            batch_size=EXAMPLES,
            steps=self.steps,
            input_shape=(WIDTH,),
            batches="linear_map",
            criterion="squared_error",
            evaluation=None,
            measures=(Every(5, ("loss",)), Every(10, ("along_gradient",)), Every(30, ("edge",))),
            loss="train_loss",
            # It starts near 10⁵, the square of what is to be learned.
            diverged_above=1e8,
        )

    @property
    def work(self) -> float:
        # Mean of the two networks, measured against a step of the first figure.
        return 0.35 * self.steps

    def levels(self) -> tuple[Level, ...]:
        edge = "edge: 2/rate"
        return Level("beta", 2 / self.learning_rate, edge), Level("edge_share", 1, edge)


DEEP_LINEAR = Experiment(
    slug="deep-linear",
    title="A deep linear network",
    claim="At a high learning rate, a deep linear network learns a linear map better with "
    "BatchNorm, and its gradient never changes as abruptly as it sometimes does without.",
    arms=(Arm("plain", "Plain", "none"), Arm("bn", "BatchNorm", "batch")),
    # Squared errors, summed over 10,000 numbers: another scale than that of other figures.
    metrics=(
        replace(TRAIN_LOSS, label="Training loss, summed", unit="", low=5e3, high=2e5),
        replace(BETA, low=1e5, high=1e8),
        EDGE_SHARE,
        replace(SHARPNESS, low=1e4, high=1e8),
        replace(LOSS_MIN, unit="", low=5e3, high=1e6),
        replace(LOSS_MAX, unit="", low=5e3, high=1e6),
        replace(LOSS_RANGE, unit="", low=1e2, high=1e6),
        replace(GRADIENT_DISTANCE_MIN, low=1e3, high=1e7),
        replace(GRADIENT_DISTANCE, low=1e3, high=1e7),
        replace(GRADIENT_CHANGE, low=0.1, high=100),
    ),
    request=DeepLinear,
    claims=(
        Claim(
            id="a-linear-map-is-learned-better",
            statement="The training loss ends lower with BatchNorm.",
            arm="bn",
            metric="train_loss",
            relation="below",
            bound=0,
            share=0.75,
            other="plain",
            if_held="The loss ended at {value:,.0f} with BatchNorm and at {other:,.0f} without.",
            if_broken="The loss ended higher with BatchNorm this time: at {value:,.0f}, against "
            "{other:,.0f} without.",
            if_level="The loss ended at {value:,.0f} with BatchNorm and without.",
            over_seeds="The loss ended lower with BatchNorm in {held} of {seeds} seeds "
            "(medians {value:,.0f} and {other:,.0f}).",
        ),
        Claim(
            id="the-worst-change-is-smaller",
            statement="At the worst step, the gradient changes less with BatchNorm, as a share of "
            "itself.",
            arm="bn",
            metric="gradient_change",
            statistic="greatest",
            relation="below",
            bound=0,
            share=0.75,
            other="plain",
            if_held="At the worst step, the gradient changed by {value:.3g} times its length with "
            "BatchNorm and by {other:.3g} times without.",
            if_broken="At the worst step, the gradient changed more with BatchNorm: by {value:.3g} "
            "times its length, against {other:.3g} times without.",
            if_level="At the worst step, the gradient changed by {value:.3g} times its length with "
            "BatchNorm and without.",
            over_seeds="At the worst step, the gradient changed less with it in {held} of {seeds} "
            "(medians {value:.3g} and {other:.3g} times its length).",
        ),
        Claim(
            id="beta-leaps-higher-without",
            statement="The greatest effective β of the run is higher without BatchNorm.",
            arm="plain",
            metric="beta",
            statistic="greatest",
            relation="above",
            bound=0,
            share=0.75,
            other="bn",
            if_held="The effective β rose to {value:.2g} without BatchNorm and to {other:.2g} "
            "with it.",
            if_broken="The effective β rose no higher without BatchNorm: to {value:.2g}, against "
            "{other:.2g} with it.",
            if_level="The effective β rose to {value:.2g} with BatchNorm and without.",
            over_seeds="The effective β rose higher without BatchNorm in {held} of {seeds} "
            "(medians {value:.2g} and {other:.2g}).",
        ),
    ),
)
