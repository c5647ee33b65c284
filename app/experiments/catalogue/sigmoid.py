"""The experiment that BatchNorm was first shown with."""

from typing import Annotated

from pydantic import Field

from app.experiments.architectures import Sigmoid, dense
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    BatchSize,
    Experiment,
    LearningRate,
    RunRequest,
    TrainingSpec,
)
from app.experiments.metrics import ACCURACY, INPUT_P15, INPUT_P50, INPUT_P85, TEST_LOSS

HIDDEN = (100, 100, 100)


class SigmoidNetwork(RunRequest):
    """Ioffe and Szegedy 2015, §4.1. Rate and scale of the weights are ours: it tells neither."""

    steps: Annotated[
        int,
        Field(ge=10, le=5_000, description="Mini-batches each network sees; 50000 in the paper."),
    ] = 2_000
    learning_rate: LearningRate = 0.1
    gain: Annotated[
        float,
        Field(ge=0.1, le=4, description="Weights of a layer with m inputs start as N(0, gain²/m)."),
    ] = 1.0
    batch_size: BatchSize = 60

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=dense(arm.norm, HIDDEN, Sigmoid(), self.gain),
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            steps=self.steps,
            evaluation="evaluate_inputs",
            evaluate_every=25,
        )

    @property
    def work(self) -> float:
        # Measured: 3.1 and 3.8 ms a step where the first figure's takes 43 and 46.
        return 0.05 * self.steps * (1 + self.batch_size / 128)


SIGMOID = Experiment(
    slug="sigmoid",
    title="The experiment it began with",
    claim="With BatchNorm, a network of sigmoids learns at once and keeps the inputs of its last "
    "hidden layer in place; without, it waits for its signal.",
    arms=(Arm("plain", "Plain", "none"), Arm("bn", "BatchNorm", "batch")),
    metrics=(ACCURACY, INPUT_P15, INPUT_P50, INPUT_P85, TEST_LOSS),
    request=SigmoidNetwork,
    claims=(
        Claim(
            id="learns-faster",
            statement="Averaged over the run, the network with BatchNorm has more test images "
            "right.",
            arm="bn",
            metric="test_accuracy",
            statistic="mean",
            relation="above",
            bound=0,
            share=0.75,
            other="plain",
            if_held="Averaged over the run, the network with BatchNorm had {value:.1%} of the test "
            "images right and the plain one {other:.1%}.",
            if_broken="Averaged over the run, the plain network was ahead this time: it had "
            "{other:.1%} of the test images right, BatchNorm {value:.1%}.",
            if_level="Averaged over the run, both networks had {value:.1%} of the test images "
            "right.",
            over_seeds="Averaged over the run, BatchNorm was ahead in {held} of {seeds} seeds "
            "(medians {value:.1%} and {other:.1%}).",
        ),
        Claim(
            id="ends-ahead",
            statement="It also ends ahead.",
            arm="bn",
            metric="test_accuracy",
            relation="above",
            bound=0,
            share=0.75,
            other="plain",
            if_held="In the end, BatchNorm had {value:.1%} and the plain network {other:.1%}.",
            if_broken="In the end, the plain network was ahead, with {other:.1%} against "
            "{value:.1%}.",
            if_level="In the end, both had {value:.1%}.",
            over_seeds="It ended ahead in {held} of {seeds} (medians {value:.1%} and {other:.1%}).",
        ),
    ),
)
