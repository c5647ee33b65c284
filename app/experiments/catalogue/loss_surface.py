"""What does the loss look like around a trained network?"""

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
    Profile,
    RunRequest,
    TrainingSpec,
    effort,
)
from app.experiments.metrics import ACCURACY, BARRIER, BARRIER_RUNNING, LOSS_BETWEEN, TEST_LOSS
from app.experiments.views import Surface


class LossSurface(RunRequest):
    """A map of the loss around the final weights, and the way to those of the next seed."""

    learning_rate: LearningRate = 0.1
    gamma0: Gamma0 = 0.1
    placement: Placed = "after_pooling"
    batch_size: BatchSize = 20
    resolution: Annotated[
        int, Field(ge=5, le=25, description="Points along each side of a map.")
    ] = 15

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=shallow(arm.norm, self.placement, self.gamma0),
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            steps=self.steps,
            evaluate_every=10,
            surface_points=self.resolution,
        )

    @property
    def work(self) -> float:
        # The network of the next seed is trained, too, and a point costs half a measured step.
        return 2.0 * effort(self.batch_size) * self.steps + self.resolution**2 / 2


LOSS_SURFACE = Experiment(
    slug="loss-surface",
    title="The loss around the trained networks",
    claim="On the straight line between the networks that two seeds lead to, the loss rises less "
    "with BatchNorm.",
    arms=(Arm("cnn", "Plain", "none"), Arm("bn", "BatchNorm", "batch")),
    metrics=(TEST_LOSS, ACCURACY, BARRIER, BARRIER_RUNNING),
    surfaces=(
        Surface(
            "surface",
            "Loss around the final weights",
            "training loss in nats, on 256 fixed images",
        ),
    ),
    profiles=(
        Profile(
            LOSS_BETWEEN,
            "share α of the way",
            low=-0.5,
            high=1.5,
            ticks=((0, "0: this run"), (1, "1: the next seed’s")),
        ),
    ),
    request=LossSurface,
    claims=(
        Claim(
            id="a-lower-barrier-with-batchnorm",
            statement="On the straight line between the networks that this seed and the next lead "
            "to, the loss rises less with BatchNorm.",
            arm="bn",
            metric="barrier",
            relation="below",
            bound=0,
            share=0.75,
            other="cnn",
            if_held="On the line to the next seed’s network, the loss rose by {value:.2f} nats "
            "with BatchNorm and by {other:.2f} without.",
            if_broken="On the line to the next seed’s network, the loss rose more with BatchNorm: "
            "by {value:.2f} nats against {other:.2f}.",
            if_level="On the line to the next seed’s network, the loss rose by {value:.2f} nats "
            "with "
            "BatchNorm and without.",
            over_seeds="On the line to the next seed’s network, the loss rose less with BatchNorm "
            "in {held} of {seeds} seeds (medians {value:.2f} and {other:.2f} nats).",
        ),
    ),
)
