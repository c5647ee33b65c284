"""Does BatchNorm help if each network has the rate that suits it best?"""

from typing import Annotated, Literal

from pydantic import Field

from app.experiments.architectures import deep
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    BatchSize,
    Depth,
    Every,
    Experiment,
    RunRequest,
    TrainingSpec,
    effort,
)
from app.experiments.metrics import ACCURACY, TEST_LOSS, TRAIN_LOSS
from app.experiments.sweeps import Panel, Sweep

# Learning rates of the plain network and of the one with BatchNorm: of those tried, from 0.05 to
# 1, 0.01 to 0.2 and 0.003 to 0.1, the one with the highest mean test accuracy after 100 steps on
# seeds 3000 to 3003.
BEST = {"sgd": (0.1, 0.5), "momentum": (0.03, 0.03), "adam": (0.01, 0.03)}


class Rates(RunRequest):
    """The deep network of figure `smoothness`, each arm at a learning rate of its own."""

    learning_rate: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="Of both networks. At 0, each has its own best, chosen on other seeds.",
        ),
    ] = 0.0
    optimizer: Annotated[
        Literal["sgd", "momentum", "adam"],
        Field(description="Plain gradient descent, with momentum 0.9, or Adam."),
    ] = "sgd"
    depth: Depth = 6
    batch_size: BatchSize = 64

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        best = BEST[self.optimizer][arm.norm != "none"]
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=deep(arm.norm, self.depth),
            learning_rate=self.learning_rate or best,
            batch_size=self.batch_size,
            steps=self.steps,
            optimizer=self.optimizer,
            statistics="precise",
            evaluate_every=20,
            measures=(Every(1, ("loss",)),),
            loss="train_loss",
        )

    @property
    def work(self) -> float:
        return effort(self.batch_size, self.depth) * self.steps


RATES = Experiment(
    slug="rates",
    title="Each network at its own best rate",
    claim="A deep network learns more with BatchNorm even if each network has the learning rate "
    "that suits it best.",
    arms=(Arm("cnn", "Plain", "none"), Arm("bn", "BatchNorm", "batch")),
    metrics=(TRAIN_LOSS, ACCURACY, TEST_LOSS),
    request=Rates,
    claims=(
        Claim(
            id="ahead-at-its-best-rate",
            statement="With plain gradient descent, each network at its own best rate, BatchNorm "
            "ends ahead.",
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
        Claim(
            id="two-points-ahead",
            statement="It ends at least two points ahead.",
            arm="bn",
            metric="test_accuracy",
            relation="at_least",
            bound=0.02,
            share=0.75,
            other="cnn",
            if_held="BatchNorm was ahead by two points or more.",
            if_broken="BatchNorm was not ahead by two points.",
            over_seeds="BatchNorm was at least two points ahead in {held} of {seeds}.",
        ),
        Claim(
            id="lower-training-loss",
            statement="In the last fifth of the run, its training loss is lower.",
            arm="bn",
            metric="train_loss",
            statistic="late",
            relation="below",
            bound=0,
            share=0.75,
            other="cnn",
            if_held="In the last fifth of the run, the training loss was {value:.2f} nats with "
            "BatchNorm and {other:.2f} without.",
            if_broken="In the last fifth of the run, the training loss was higher with BatchNorm: "
            "{value:.2f} nats against {other:.2f}.",
            if_level="In the last fifth of the run, the training loss was {value:.2f} nats with "
            "BatchNorm and without.",
            over_seeds="In the last fifth of the run, the training loss was lower with BatchNorm "
            "in {held} of {seeds} (medians {value:.2f} and {other:.2f} nats).",
        ),
    ),
    sweep=Sweep(
        parameter="learning_rate",
        name="learning rate",
        values=(0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0),
        seeds=5,
        panels=(
            Panel("cnn", "test_accuracy", "Plain"),
            Panel("bn", "test_accuracy", "BatchNorm"),
        ),
    ),
)
