"""What can a network learn whose weights stay random?"""

from typing import Annotated

from pydantic import Field

from app.experiments.architectures import deep
from app.experiments.claims import Claim
from app.experiments.definition import (
    Arm,
    BatchSize,
    Every,
    Experiment,
    RunRequest,
    TrainingSpec,
    effort,
)
from app.experiments.metrics import ACCURACY, TEST_LOSS, TRAIN_LOSS

# γ and β of 8 channels reach 0.44, of 16 channels 0.64 (test accuracy, depth 6, 200 steps, seed 0).
CHANNELS = 16


class GammaBeta(RunRequest):
    """The same network and the same first weights; what differs is which of them learn."""

    steps: Annotated[
        int, Field(ge=10, le=400, description="How many mini-batches each network sees.")
    ] = 200
    depth: Annotated[int, Field(ge=2, le=12, description="Convolutions, 16 channels each.")] = 6
    learning_rate: Annotated[
        float,
        Field(
            ge=0.001, le=3, description="Of γ and β where they learn alone. The others keep 0.1."
        ),
    ] = 1.0
    batch_size: BatchSize = 64

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=deep(arm.norm, self.depth, channels=CHANNELS),
            learning_rate=arm.learning_rate or self.learning_rate,
            batch_size=self.batch_size,
            steps=self.steps,
            trained=arm.learns,
            evaluate_every=10,
            measures=(Every(2, ("batch",)),),
            loss="train_loss",
        )

    @property
    def work(self) -> float:
        # Mean of the three networks, measured against a step of the first figure.
        return 0.5 * effort(self.batch_size) * self.steps


GAMMA_BETA = Experiment(
    slug="gamma-beta",
    title="γ and β alone",
    claim="A network in which nothing but γ and β learns does far better than chance, though "
    "nearly all of its weights stay random.",
    arms=(
        Arm("all", "Everything learns", "batch", 0.1),
        Arm("norms", "γ and β alone", "batch", learns="norms", colour="norms", dashed=True),
        Arm(
            "output",
            "Last layer alone",
            "batch",
            0.1,
            learns="output",
            colour="output",
            dashed=True,
        ),
    ),
    metrics=(ACCURACY, TRAIN_LOSS, TEST_LOSS),
    request=GammaBeta,
    claims=(
        Claim(
            id="gamma-and-beta-learn",
            statement="With γ and β alone, at least four times as many test images come out right "
            "as by guessing.",
            arm="norms",
            metric="test_accuracy",
            relation="at_least",
            bound=0.4,
            share=0.75,
            if_held="With γ and β alone, the network ended with {value:.1%} of the test images "
            "right; guessing gets 10%.",
            if_broken="With γ and β alone, the network ended with only {value:.1%} of the test "
            "images right; guessing gets 10%.",
            over_seeds="With γ and β alone, the network ended with at least 40% of the test images "
            "right in {held} of {seeds} seeds (median {value:.1%}).",
        ),
        Claim(
            id="the-last-layer-learns-more",
            statement="The last layer alone reaches more than γ and β alone.",
            arm="output",
            metric="test_accuracy",
            relation="above",
            bound=0,
            share=0.75,
            other="norms",
            if_held="The last layer alone, on random features, had {value:.1%}.",
            if_broken="The last layer alone, on random features, had {value:.1%}, no more than γ "
            "and β alone.",
            over_seeds="The last layer alone had more in {held} of {seeds} (median {value:.1%}).",
        ),
        Claim(
            id="everything-learns-most",
            statement="The network in which everything learns ends ahead of γ and β alone.",
            arm="all",
            metric="test_accuracy",
            relation="above",
            bound=0,
            share=0.75,
            other="norms",
            if_held="With everything learning, the network had {value:.1%}.",
            if_broken="With everything learning, the network had {value:.1%}, no more than with γ"
            " and β alone.",
            over_seeds="With everything learning, the network had more than γ and β alone in "
            "{held} of {seeds} (median {value:.1%}).",
        ),
    ),
)
