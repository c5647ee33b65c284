"""At which learning rates does which network survive?"""

from typing import Annotated

from pydantic import Field

from app.experiments.architectures import shallow
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    BatchSize,
    Experiment,
    Gamma0,
    LearningRate,
    Placed,
    RunRequest,
    TrainingSpec,
    effort,
)
from app.experiments.metrics import ACCURACY, DEAD_UNITS, TEST_LOSS
from app.experiments.sweeps import Panel, Sweep


class Survival(RunRequest):
    """Two networks that share one learning rate, whichever it is."""

    learning_rate: Annotated[
        LearningRate, Field(description="Of both networks. A cell of the maps sets it.")
    ] = 0.5
    gamma0: Gamma0 = 0.1
    placement: Placed = "after_pooling"
    batch_size: BatchSize = 20

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=shallow(arm.norm, self.placement, self.gamma0),
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            steps=self.steps,
            evaluate_every=10,
        )

    @property
    def work(self) -> float:
        return effort(self.batch_size) * self.steps


SURVIVAL = Experiment(
    slug="survival",
    title="Who survives which learning rate",
    claim="With BatchNorm, a network lives at learning rates at which the plain one gets lost; "
    "beyond them both do.",
    arms=(Arm("cnn", "Plain", "none"), Arm("bn", "BatchNorm", "batch")),
    metrics=(ACCURACY, TEST_LOSS, DEAD_UNITS),
    request=Survival,
    claims=(
        Claim(
            id="batchnorm-survives",
            statement="At learning rate 0.5 the network with BatchNorm reaches 80% accuracy.",
            arm="bn",
            metric="test_accuracy",
            relation="at_least",
            bound=0.80,
            share=0.75,
            weight="repeated",  # in `learning-rates`
            if_held="At this learning rate, BatchNorm survived: it ended with {value:.1%} of the "
            "test images right.",
            if_broken="At this learning rate, the network with BatchNorm ended with {value:.1%} "
            "of the test images right, short of 80%.",
            over_seeds="At this learning rate BatchNorm reached 80% in {held} of {seeds} "
            "seeds (median {value:.1%}).",
        ),
        Claim(
            id="plain-gets-lost",
            statement="At learning rate 0.5 the plain network stays below 80% accuracy.",
            arm="cnn",
            metric="test_accuracy",
            relation="below",
            bound=0.80,
            share=0.75,
            weight="repeated",  # in `learning-rates`
            if_held="The plain network ended with {value:.1%}, short of 80%.",
            if_broken="The plain network survived, with {value:.1%}.",
            over_seeds="The plain network ended below it in {held} of {seeds} "
            "(median {value:.1%}).",
        ),
    ),
    sweep=Sweep(
        parameter="learning_rate",
        name="learning rate",
        values=(0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0),
        seeds=10,
        panels=(
            Panel("cnn", "test_accuracy", "Plain"),
            Panel("bn", "test_accuracy", "BatchNorm"),
        ),
    ),
)
