"""Does BatchNorm need the stability that it is said to give?"""

from typing import Annotated

from pydantic import Field

from app.experiments.architectures import shallow
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    BatchSize,
    Every,
    Experiment,
    Gamma0,
    LearningRate,
    Placed,
    RunRequest,
    TrainingSpec,
    effort,
)
from app.experiments.metrics import (
    ACCURACY,
    ICS_COSINE,
    ICS_DISTANCE,
    ICS_SHARE,
    ICS_TURN,
    MEAN_SHIFT,
    TEST_LOSS,
    TRAIN_ACCURACY,
    TRAIN_LOSS,
    VARIANCE_SHIFT,
)
from app.experiments.views import Histogram


class CovariateShift(RunRequest):
    """Noise behind each norm, at a learning rate at which all four arms can learn."""

    learning_rate: Annotated[
        LearningRate, Field(description="Of all four. At 0.3, noisy BatchNorm fails too.")
    ] = 0.1
    gamma0: Gamma0 = 1.0
    noise: Annotated[
        float, Field(ge=0, le=2, description="How strong the noise is; the paper's is 1.")
    ] = 1.0
    memory: Annotated[
        int,
        Field(
            ge=1,
            le=50,
            description="About how many steps a channel’s shift and scale last. At 1, as in the "
            "paper, both are new at every step.",
        ),
    ] = 1
    placement: Placed = "after_pooling"
    batch_size: BatchSize = 20

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=shallow(
                arm.norm,
                self.placement,
                self.gamma0,
                noise=self.noise if arm.noise else 0,
                memory=self.memory,
            ),
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            steps=self.steps,
            evaluate_every=5,
            measures=(
                Every(1, ("batch", "shift", "covariate_shift")),
                # Only the first seed's are drawn.
                *((Every(2, ("histogram",)),) if seed == self.seed else ()),
            ),
            loss="train_loss",
        )

    @property
    def work(self) -> float:
        return 1.1 * effort(self.batch_size) * self.steps


COVARIATE_SHIFT = Experiment(
    slug="covariate-shift",
    title="Noise where there should be none",
    claim="With BatchNorm, a network learns well although noise makes its layers’ inputs shift far "
    "more than without; the same noise without BatchNorm does it harm.",
    arms=(
        Arm("cnn", "Plain", "none"),
        Arm("bn", "BatchNorm", "batch"),
        Arm("bn+noise", "BatchNorm, then noise", "batch", noise=True, dashed=True),
        Arm("cnn+noise", "Plain, with noise", "none", noise=True, dashed=True),
    ),
    metrics=(
        TRAIN_LOSS,
        TRAIN_ACCURACY,
        TEST_LOSS,
        ACCURACY,
        MEAN_SHIFT,
        VARIANCE_SHIFT,
        ICS_DISTANCE,
        ICS_COSINE,
        ICS_SHARE,
        ICS_TURN,
    ),
    histograms=(Histogram("inputs", "Inputs of the last layer, one channel"),),
    request=CovariateShift,
    claims=(
        Claim(
            id="noise-really-shifts",
            statement="With noise, the means of the last layer’s inputs move at least ten times as "
            "far from step to step as with BatchNorm alone.",
            arm="bn+noise",
            metric="mean_shift",
            statistic="median",
            relation="at_least",
            factor=10,
            bound=0,
            share=0.75,
            weight="arithmetic",  # two draws from U(−½, ½) are a third apart
            other="bn",
            if_held="The noise did its work: from step to step, the means of the last layer’s "
            "inputs moved {ratio:.0f} times as far as with BatchNorm alone.",
            if_broken="The noise fell short: from step to step, the means of the last layer’s "
            "inputs moved only {ratio:.1f} times as far as with BatchNorm alone.",
            over_seeds="With noise, the means of the last layer’s inputs moved {ratio:.0f} times "
            "as far from step to step as with BatchNorm alone (at least ten times in {held} of "
            "{seeds} seeds).",
        ),
        Claim(
            id="noise-does-not-undo-batchnorm",
            statement="With the same noise, BatchNorm ends ahead of the plain network.",
            arm="bn+noise",
            metric="test_accuracy",
            relation="above",
            bound=0,
            share=0.75,
            other="cnn+noise",
            if_held="With the noise, BatchNorm ended with {value:.1%} of the test images right "
            "and the plain network with {other:.1%}.",
            if_broken="With the noise, BatchNorm ended with {value:.1%} of the test images right,"
            " no better than the plain network, {other:.1%}.",
            over_seeds="BatchNorm with noise ended ahead of the plain network with noise in {held} "
            "of {seeds} (medians {value:.1%} and {other:.1%}).",
        ),
        Claim(
            id="noisy-batchnorm-keeps-up",
            statement="BatchNorm with noise ends at most three points behind the plain network "
            "that has none.",
            arm="bn+noise",
            metric="test_accuracy",
            relation="at_least",
            bound=-0.03,
            share=0.75,
            other="cnn",
            if_held="Without any noise, the plain network reached {other:.1%}.",
            if_broken="Without any noise, the plain network did better, at {other:.1%}.",
            over_seeds="It ended at most three points behind the plain network without noise "
            "(median {other:.1%}) in {held} of {seeds}.",
        ),
    ),
)
