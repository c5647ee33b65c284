"""Experiments as data: what is trained, what may be turned, what is measured, what is claimed.

A new experiment is one class with its parameters and one entry in `EXPERIMENTS`. Networks and
measures are named by string, because this file must not import torch; a test resolves each name.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from app.architectures import ARCHITECTURES, Architecture, Norm, Placement
from app.claims import Claim
from app.errors import FieldProblem, InvalidRequest, UnknownExperiment

ParameterValue: TypeAlias = int | float | str
MAX_SEED = 2**32 - 1
MAX_SEEDS = 10
# The largest figure that anybody can ask for: two to four minutes of two cores.
MAX_TRAINING_STEPS = 8_000


@dataclass(frozen=True, slots=True)
class TrainingSpec:
    """All that decides one training's numbers. Plain values: it travels to a worker as it is."""

    arm: str
    seed: int
    architecture: Architecture
    learning_rate: float
    batch_size: int
    steps: int
    measure: str = "evaluate"
    measure_every: int = 2
    test_images: int = 1_000
    loss: str = "test_loss"
    # Chance is ln 10 ≈ 2.3; a loss this far above it means nothing any more.
    diverged_above: float = 1e4


@dataclass(frozen=True, slots=True)
class Arm:
    """One of the networks that a figure compares; `dashed` tells its line from the solid one."""

    id: str
    label: str
    norm: Norm
    learning_rate: float
    dashed: bool = False

    @property
    def ink(self) -> str:
        """The colour of its line, by the name that the style sheet knows."""
        return "plain" if self.norm == "none" else self.norm


@dataclass(frozen=True, slots=True)
class Metric:
    """One quantity on a vertical axis; `unit` is empty for a pure number.

    `log`: drawn on a logarithmic axis; `share`: a fraction, shown in percent. `low` and `high`:
    what the axis shows at least; it grows for a value outside.
    """

    id: str
    label: str
    unit: str
    low: float
    high: float
    log: bool = False
    share: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting that a reader may turn, as the page and the list of experiments show it."""

    name: str
    kind: Literal["int", "float", "choice"]
    default: ParameterValue
    min: float | None
    max: float | None
    choices: Sequence[str] | None
    help: str


class RunRequest(BaseModel):
    """What a reader asks for: seeds, and the parameters that a subclass adds."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    seed: Annotated[
        int, Field(ge=0, le=MAX_SEED, default_factory=lambda: secrets.randbelow(MAX_SEED + 1))
    ]
    seeds: Annotated[int, Field(ge=1, le=MAX_SEEDS)] = 1
    steps: Annotated[
        int, Field(ge=10, le=400, description="How many mini-batches each network sees.")
    ] = 100

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        """One training of this request, resolved to plain values."""
        raise NotImplementedError

    def parameters(self) -> dict[str, ParameterValue]:
        """The experiment's parameters, without the seeds."""
        return self.model_dump(exclude={"seed", "seeds"})


class LearningRates(RunRequest):
    """Does BatchNorm help, and when? Where γ starts and where the norm sits decide it."""

    gamma0: Annotated[
        float, Field(ge=0.01, le=2, description="Where every γ starts. At 1, see what happens.")
    ] = 0.1
    placement: Annotated[Placement, Field(description="Where BatchNorm sits in each block.")] = (
        "after_pooling"
    )

    def training(self, arm: Arm, seed: int) -> TrainingSpec:
        architecture = ARCHITECTURES["shallow"](arm.norm, self.placement, self.gamma0)
        return TrainingSpec(
            arm=arm.id,
            seed=seed,
            architecture=architecture,
            learning_rate=arm.learning_rate,
            batch_size=20,
            steps=self.steps,
        )


@dataclass(frozen=True, slots=True)
class Experiment:
    """One figure of the article, as data."""

    slug: str
    title: str
    claim: str
    arms: tuple[Arm, ...]
    metrics: tuple[Metric, ...]
    request: type[RunRequest]
    claims: tuple[Claim, ...]

    @property
    def steps(self) -> int:
        """Mini-batches that each network sees unless a reader asks for another number."""
        return int(self.request.model_fields["steps"].default)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What may be turned, read off the request's own bounds."""
        properties = self.request.model_json_schema()["properties"]
        return tuple(
            _parameter(name, schema)
            for name, schema in properties.items()
            if name not in ("seed", "seeds")
        )

    def parse(self, values: Mapping[str, object], *, text: bool = False) -> RunRequest:
        """A request within its bounds, or InvalidRequest naming each field and its bound.

        `text`: the values are strings (a form, a command line) and are read as numbers.
        """
        try:
            request = self.request.model_validate(values, strict=not text)
        except ValidationError as error:
            fields = self.request.model_json_schema()["properties"]
            raise InvalidRequest([_problem(detail, fields) for detail in error.errors()]) from None
        asked = request.steps * request.seeds * len(self.arms)
        if asked > MAX_TRAINING_STEPS:
            fitting = MAX_TRAINING_STEPS // (request.steps * len(self.arms))
            raise InvalidRequest(
                [
                    FieldProblem(
                        "seeds",
                        f"should be at most {fitting} at {request.steps} steps: "
                        f"a run may take {MAX_TRAINING_STEPS} training steps in all",
                    )
                ]
            )
        return request

    def trainings(self, request: RunRequest) -> Iterator[TrainingSpec]:
        """The trainings of a run: seed by seed, so that whole comparisons finish first."""
        for seed in range(request.seed, request.seed + request.seeds):
            for arm in self.arms:
                yield request.training(arm, seed)


def _parameter(name: str, schema: Mapping[str, object]) -> Parameter:
    kinds: dict[object, Literal["int", "float", "choice"]] = {
        "integer": "int",
        "number": "float",
        "string": "choice",
    }
    bounds = {key: schema.get(key) for key in ("minimum", "maximum")}
    choices, default = schema.get("enum"), schema["default"]
    assert isinstance(default, int | float | str)
    return Parameter(
        name=name,
        kind=kinds[schema["type"]],
        default=default,
        min=_number(bounds["minimum"]),
        max=_number(bounds["maximum"]),
        choices=[str(choice) for choice in choices] if isinstance(choices, list) else None,
        help=str(schema["description"]),
    )


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) else None


def _problem(detail: ErrorDetails, fields: Mapping[str, Mapping[str, object]]) -> FieldProblem:
    field = str(detail["loc"][0]) if detail["loc"] else "body"
    match fields.get(field):
        case {"type": "integer", "minimum": low, "maximum": high}:
            return FieldProblem(field, f"should be a whole number from {low} to {high}")
        case {"type": "number", "minimum": low, "maximum": high}:
            return FieldProblem(field, f"should be a number from {low} to {high}")
        case {"enum": choices} if isinstance(choices, list):
            return FieldProblem(field, f"should be one of {', '.join(map(str, choices))}")
        case None:
            return FieldProblem(field, "is not a parameter of this experiment")
        case _:
            return FieldProblem(field, detail["msg"])


ACCURACY = Metric("test_accuracy", "Test accuracy", "", 0, 1, share=True)
TEST_LOSS = Metric("test_loss", "Test loss", "nats", 0.2, 3, log=True)
DEAD_UNITS = Metric("dead_units", "Dead channels", "", 0, 1, share=True)

LEARNING_RATES = Experiment(
    slug="learning-rates",
    title="Two networks, two learning rates",
    claim="BatchNorm trains at a learning rate at which the plain network gets lost, "
    "and is at least level with it at a low one.",
    arms=(
        Arm("cnn@0.1", "Plain, rate 0.1", "none", 0.1, dashed=True),
        Arm("bn@0.1", "BatchNorm, rate 0.1", "batch", 0.1, dashed=True),
        Arm("cnn@0.5", "Plain, rate 0.5", "none", 0.5),
        Arm("bn@0.5", "BatchNorm, rate 0.5", "batch", 0.5),
    ),
    metrics=(TEST_LOSS, ACCURACY, DEAD_UNITS),
    request=LearningRates,
    claims=(
        Claim(
            id="high-rate-batchnorm-trains",
            statement="At learning rate 0.5 the network with BatchNorm reaches 80% accuracy.",
            arm="bn@0.5",
            metric="test_accuracy",
            relation="at_least",
            bound=0.80,
            share=0.90,
            if_held="At learning rate 0.5, BatchNorm trained: "
            "it ended with {value:.1%} of the test images right.",
            if_broken="At learning rate 0.5, even the network with BatchNorm failed: "
            "it ended with {value:.1%} of the test images right.",
            over_seeds="At learning rate 0.5, BatchNorm reached 80% "
            "in {held} of your {seeds} seeds (median {value:.1%}).",
        ),
        Claim(
            id="high-rate-plain-gets-lost",
            statement="At learning rate 0.5 the plain network stays below 80% accuracy.",
            arm="cnn@0.5",
            metric="test_accuracy",
            relation="below",
            bound=0.80,
            share=0.90,
            if_held="The plain network stayed behind, at {value:.1%}.",
            if_broken="The plain network found its way this time, to {value:.1%}.",
            over_seeds="The plain network stayed below it in {held} of {seeds} "
            "(median {value:.1%}).",
        ),
        Claim(
            id="low-rate-at-least-level",
            statement="At learning rate 0.1 BatchNorm ends at most one point behind.",
            arm="bn@0.1",
            metric="test_accuracy",
            relation="at_least",
            bound=-0.01,
            share=0.60,
            other="cnn@0.1",
            if_held="At 0.1, BatchNorm ended at {value:.1%} and the plain network at {other:.1%}.",
            if_broken="At 0.1 the plain network ended ahead, {other:.1%} to {value:.1%}.",
            over_seeds="At 0.1, BatchNorm was level or ahead in {held} of {seeds} "
            "(medians {value:.1%} and {other:.1%}).",
        ),
    ),
)

EXPERIMENTS: dict[str, Experiment] = {
    experiment.slug: experiment for experiment in (LEARNING_RATES,)
}


def find(slug: str) -> Experiment:
    """The experiment with that slug; raises UnknownExperiment, which lists those there are."""
    try:
        return EXPERIMENTS[slug]
    except KeyError:
        known = ", ".join(EXPERIMENTS)
        raise UnknownExperiment(f"no experiment {slug!r}; there are: {known}") from None
