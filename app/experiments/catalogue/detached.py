"""Is it the stillness, or what normalising does to the gradient?"""

from app.experiments.architectures import deep_or_shallow
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    BatchSize,
    DeepOrShallow,
    Depth,
    Every,
    Experiment,
    FewerSteps,
    LearningRate,
    RunRequest,
    TrainingSpec,
    effort,
)
from app.experiments.metrics import (
    ACCURACY,
    CORRECTION_COSINE,
    CORRECTION_LENGTH,
    GRADIENT_ALONG,
    GRADIENT_MEAN,
    MEAN_SHIFT,
    PRECISE_ACCURACY,
    TRAIN_LOSS,
    VARIANCE_SHIFT,
)


class Detached(RunRequest):
    """The forward pass of BatchNorm, with and without its statistics in the backward pass."""

    steps: FewerSteps = 100
    network: DeepOrShallow = "deep"
    depth: Depth = 6
    learning_rate: LearningRate = 0.03
    batch_size: BatchSize = 64

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=deep_or_shallow(self.network, arm.norm, self.depth),
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            steps=self.steps,
            evaluate_every=10,
            measures=(Every(1, ("batch", "shift")), Every(5, ("gradient_correction",))),
            loss="train_loss",
            precise_images=512,
            precise_every=10,
        )

    @property
    def work(self) -> float:
        return effort(self.batch_size, self.depth) * self.steps


DETACHED = Experiment(
    slug="detached",
    title="As still as with BatchNorm",
    claim="If the gradient takes BatchNorm’s statistics for constants, a deep network’s inputs "
    "stay as still as with BatchNorm, and at a low rate it learns less than without any norm.",
    arms=(
        Arm("cnn", "Plain", "none"),
        Arm("bn", "BatchNorm", "batch"),
        Arm("bn-detached", "BatchNorm, statistics detached", "detached", dashed=True),
    ),
    metrics=(
        TRAIN_LOSS,
        ACCURACY,
        MEAN_SHIFT,
        VARIANCE_SHIFT,
        GRADIENT_MEAN,
        GRADIENT_ALONG,
        CORRECTION_COSINE,
        CORRECTION_LENGTH,
        PRECISE_ACCURACY,
    ),
    request=Detached,
    claims=(
        Claim(
            id="inputs-are-as-still",
            statement="With detached statistics, the means of the last layer’s inputs move less "
            "than twice as far from step to step as with BatchNorm.",
            arm="bn-detached",
            metric="mean_shift",
            statistic="median",
            relation="below",
            factor=2,
            bound=0,
            share=0.75,
            other="bn",
            if_held="With detached statistics, the inputs were about as still as with BatchNorm: "
            "from step to step, the means of the last layer’s moved {ratio:.1f} times as far.",
            if_broken="With detached statistics, the inputs were less still than with BatchNorm: "
            "from step to step, the means of the last layer’s moved {ratio:.1f} times as far.",
            over_seeds="With detached statistics, the means of the last layer’s inputs moved "
            "{ratio:.1f} times as far from step to step as with BatchNorm (less than twice in "
            "{held} of {seeds} seeds).",
        ),
        Claim(
            id="detached-ends-behind-batchnorm",
            statement="Both tested with precise statistics, the network with detached statistics "
            "ends behind BatchNorm.",
            arm="bn-detached",
            metric="precise_accuracy",
            relation="below",
            bound=0,
            share=0.75,
            other="bn",
            if_held="Tested with precise statistics, the detached network ended behind BatchNorm, "
            "with {value:.1%} of the test images right against {other:.1%}.",
            if_broken="Tested with precise statistics, the detached network ended ahead of "
            "BatchNorm, with {value:.1%} of the test images right against {other:.1%}.",
            if_level="Tested with precise statistics, detached statistics and BatchNorm both ended "
            "with {value:.1%} of the test images right.",
            over_seeds="Tested with precise statistics, the detached network ended behind "
            "BatchNorm in {held} of {seeds} (medians {value:.1%} and {other:.1%}).",
        ),
        Claim(
            id="detached-ends-behind-plain",
            statement="The network with detached statistics also ends behind the plain one.",
            arm="bn-detached",
            metric="precise_accuracy",
            relation="below",
            bound=0,
            share=0.75,
            other="cnn",
            if_held="The network with detached statistics ended behind the plain one, with "
            "{value:.1%} of the test images right against {other:.1%}.",
            if_broken="The network with detached statistics ended ahead of the plain one, with "
            "{value:.1%} of the test images right against {other:.1%}.",
            if_level="The networks with detached statistics and without a norm both ended with "
            "{value:.1%} of the test images right.",
            over_seeds="The detached network ended behind the plain one in {held} of {seeds} "
            "(medians {value:.1%} and {other:.1%}).",
        ),
        Claim(
            id="detached-trains-worse-than-plain",
            statement="In the last fifth of the run, the training loss is higher with detached "
            "statistics than in the plain network.",
            arm="bn-detached",
            metric="train_loss",
            statistic="late",
            relation="above",
            bound=0,
            share=0.75,
            other="cnn",
            if_held="In the last fifth of the run, the training loss was {value:.2f} nats with "
            "detached statistics and {other:.2f} in the plain network.",
            if_broken="In the last fifth of the run, the training loss was lower with detached "
            "statistics: {value:.2f} nats, against {other:.2f} in the plain network.",
            if_level="In the last fifth of the run, the training loss was {value:.2f} nats with "
            "detached statistics and in the plain network.",
            over_seeds="In the last fifth of the run, the training loss was higher with detached "
            "statistics than in the plain network in {held} of {seeds} (medians {value:.2f} and "
            "{other:.2f} nats).",
        ),
        Claim(
            id="the-correction-turns-the-gradient",
            statement="Without the two terms, the gradient for BatchNorm’s convolutions would "
            "point more than 45° away, in the median over the steps.",
            arm="bn",
            metric="correction_cosine",
            statistic="median",
            relation="below",
            bound=0.707,
            share=0.75,
            if_held="With BatchNorm, the two terms turned the gradient for the convolutions far: "
            "without them it would stand at a cosine of {value:.2f}.",
            if_broken="With BatchNorm, the two terms turned the gradient for the convolutions by "
            "less than 45°: without them it would stand at a cosine of {value:.2f}.",
            over_seeds="With BatchNorm, the two terms turned the gradient for the convolutions by "
            "more than 45° in {held} of {seeds} (median cosine {value:.2f}).",
        ),
    ),
)
