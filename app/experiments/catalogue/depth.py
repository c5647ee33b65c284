"""What does depth do to activations and gradients, before anything is learned and after?"""

from math import pi, sqrt
from typing import Annotated

from pydantic import Field

from app.experiments.architectures import deep
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
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
    ACTIVATION_COSINE,
    ACTIVATION_GROWTH,
    ACTIVATION_SIZE,
    GRADIENT_GROWTH,
    GRADIENT_GROWTH_A_BLOCK,
    GRADIENT_SIZE,
    LAST_COSINE,
    TRAIN_LOSS,
)

BATCH_SIZE = 64
# By which BatchNorm multiplies gradients in each layer, on their way back: wide, fully connected
# layers with ReLUs and a large batch (Yang et al. 2019).
THEORY = sqrt(pi / (pi - 1))


class Depth(RunRequest):
    """Chains of equal convolutions with He et al.'s weights, and textbook BatchNorm or none."""

    steps: Annotated[
        int, Field(ge=10, le=200, description="How many mini-batches each network sees.")
    ] = 60
    depth: Annotated[int, Field(ge=2, le=24, description="Convolutions, one behind the other.")] = (
        12
    )
    learning_rate: LearningRate = 0.03

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=deep(arm.norm, self.depth),
            learning_rate=self.learning_rate,
            batch_size=BATCH_SIZE,
            steps=self.steps,
            evaluate_every=20,
            measures=(Every(1, ("loss",)), Every(4, ("through_blocks",))),
            loss="train_loss",
        )

    @property
    def work(self) -> float:
        return effort(BATCH_SIZE, self.depth) * self.steps

    def levels(self) -> tuple[Level, ...]:
        return (Level("gradient_growth_a_block", THEORY, "√(π/(π − 1))"),)


DEPTH = Experiment(
    slug="depth",
    title="Signals and gradients through a deep network",
    claim="At the start, BatchNorm keeps the activations of a deep network level and makes its "
    "gradients grow towards the input; the network learns nevertheless.",
    arms=(Arm("cnn", "Plain", "none"), Arm("bn", "BatchNorm", "batch")),
    metrics=(
        TRAIN_LOSS,
        ACCURACY,
        GRADIENT_GROWTH,
        GRADIENT_GROWTH_A_BLOCK,
        ACTIVATION_GROWTH,
        LAST_COSINE,
    ),
    profiles=(
        Profile(ACTIVATION_SIZE, "block", low=1),
        Profile(GRADIENT_SIZE, "block", low=1),
        Profile(ACTIVATION_COSINE, "block", low=1),
    ),
    request=Depth,
    lead="depth",
    claims=(
        Claim(
            id="activations-stay-level",
            statement="At the start, the last block’s activations are at least half as large as "
            "the first’s with BatchNorm.",
            arm="bn",
            metric="activation_growth",
            statistic="first",
            relation="at_least",
            bound=0.5,
            share=0.75,
            weight="arithmetic",  # √½, behind a ReLU of unit normals
            if_held="Before the first step, the last block’s activations were {value:.2f} times "
            "as large as the first’s with BatchNorm.",
            if_broken="Before the first step, the last block’s activations were only {value:.2f} "
            "times as large as the first’s with BatchNorm.",
            over_seeds="Before the first step, the last block’s activations were {value:.2f} times "
            "as large as the first’s with BatchNorm (at least half in {held} of {seeds} seeds).",
        ),
        Claim(
            id="gradients-grow",
            statement="At the start, the gradient grows on its way to the first block with "
            "BatchNorm, and more than without.",
            arm="bn",
            metric="gradient_growth",
            statistic="first",
            relation="above",
            bound=0,
            share=0.75,
            other="cnn",
            if_held="On its way back, the gradient was multiplied by {value:.3g} with BatchNorm "
            "and by {other:.3g} without.",
            if_broken="On its way back, the gradient was multiplied by only {value:.3g} with "
            "BatchNorm and by {other:.3g} without.",
            if_level="On its way back, the gradient was multiplied by {value:.3g} with BatchNorm "
            "and "
            "without.",
            over_seeds="On its way back, the gradient was multiplied by {value:.3g} with "
            "BatchNorm and by {other:.3g} without (medians; by more with it in {held} "
            "of {seeds}).",
        ),
        Claim(
            id="images-stay-apart",
            statement="At the start, two images are less alike in the last block with BatchNorm "
            "than without.",
            arm="bn",
            metric="last_cosine",
            statistic="first",
            relation="below",
            bound=0,
            share=0.75,
            other="cnn",
            if_held="Before the first step, the cosine between two images in the last block was "
            "{value:.2f} with BatchNorm and {other:.2f} without.",
            if_broken="Before the first step, two images were as alike in the last block with "
            "BatchNorm as without, or more: their cosine was {value:.2f} and {other:.2f}.",
            if_level="Before the first step, the cosine between two images in the last block was "
            "{value:.2f} with BatchNorm and without.",
            over_seeds="Before the first step, the cosine between two images in the last block "
            "was {value:.2f} with BatchNorm and {other:.2f} without (medians; lower with it in "
            "{held} of {seeds}).",
        ),
        Claim(
            id="it-learns-nevertheless",
            statement="The network with BatchNorm ends ahead of the plain one.",
            arm="bn",
            metric="test_accuracy",
            relation="above",
            bound=0,
            share=0.75,
            other="cnn",
            if_held="The network with BatchNorm ended ahead, with {value:.1%} of the test images "
            "right against {other:.1%}.",
            if_broken="The network with BatchNorm ended behind, with {value:.1%} of the test "
            "images right against {other:.1%}.",
            if_level="Both networks ended with {value:.1%} of the test images right.",
            over_seeds="The network with BatchNorm ended ahead in {held} of {seeds} seeds "
            "(medians {value:.1%} and {other:.1%}).",
        ),
    ),
)
