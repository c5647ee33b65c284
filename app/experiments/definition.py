"""What an experiment is made of, and how a reader's request becomes trainings."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from app.errors import FieldProblem, InvalidRequest
from app.events import Verdict
from app.experiments.architectures import MNIST_SHAPE, Architecture, Noise, Norm, Placement, Shape
from app.experiments.claims import Claim, judge
from app.experiments.sweeps import Sweep
from app.experiments.views import Histogram, Surface, View
from app.experiments.views import Level as Level  # noqa: PLC0414
from app.experiments.views import Metric as Metric  # noqa: PLC0414
from app.experiments.views import Profile as Profile  # noqa: PLC0414
from app.measurements import Measurements

ParameterValue: TypeAlias = int | float | str
# How the trainings of one run share a worker: see `Experiment.trainings`.
SideBySide: TypeAlias = Literal["alone", "in_turn", "batched"]
MAX_SEED = 2**32 - 1
MAX_SEEDS = 10
# The largest figure that anybody can ask for, in steps of the article's first figure: two to four
# minutes of two cores.
MAX_WORK = 8_000


@dataclass(frozen=True, slots=True)
class Every:
    """Measures, by their names in `app/training/measures.py`, taken every `steps` steps.

    And at the last; those of which `steps` is 0, at the first step alone.
    """

    steps: int
    measures: tuple[str, ...]

    def due(self, step: int, last: int) -> bool:
        """Whether they are taken at that step."""
        if self.steps == 0:
            return step == 0
        return step % self.steps == 0 or step == last


@dataclass(frozen=True, slots=True)
class TrainingSpec:
    """All that decides one training's numbers. Plain values: it travels to a worker as it is.

    `batches`, `criterion` and `trained` name what `app/training` has under these words: where
    mini-batches come from, which loss is minimised, which parameters learn. `evaluation` is of
    the network, on test images, and may be left out; `measures` are of the training steps. `loss`
    names the metric by which divergence is told.
    """

    arm: str
    seed: int
    architecture: Architecture
    learning_rate: float
    batch_size: int
    steps: int
    input_shape: Shape = MNIST_SHAPE
    batches: str = "shuffled"
    criterion: str = "cross_entropy"
    trained: str = "all"
    evaluation: str | None = "evaluate"
    evaluate_every: int = 2
    test_images: int = 1_000
    measures: tuple[Every, ...] = ()
    # Rows and columns of the loss surface around the final weights; 0 takes none.
    surface_points: int = 0
    surface_images: int = 256
    loss: str = "test_loss"
    # Chance is ln 10 ≈ 2.3; a loss this far above it means nothing any more.
    diverged_above: float = 1e4
    # Training images on which BatchNorm's statistics are taken anew before a second evaluation,
    # every `precise_every` steps and at the last; 0 takes none.
    precise_images: int = 0
    precise_every: int = 20
    # Which statistics BatchNorm has in `evaluation`: its running averages, or precise ones.
    statistics: Literal["running", "precise"] = "running"
    # How the gradient becomes a step: a name in `app/training/optimizers.py`.
    optimizer: str = "sgd"
    # A gradient that is longer, over all parameters, is shortened to this length; 0 leaves it.
    longest_gradient: float = 0
    # Trainings of the same worker: in turn (`training.in_turn`) or batched (`training.together`).
    beside: tuple["TrainingSpec", ...] = ()
    batched: bool = False

    @property
    def members(self) -> tuple["TrainingSpec", ...]:
        """All that it trains, each by itself."""
        return replace(self, beside=(), batched=False), *self.beside

    @property
    def separable(self) -> bool:
        """Whether all that is measured can be told apart where several go side by side."""
        return (
            self.evaluation == "evaluate"
            and self.criterion == "cross_entropy"
            and self.trained == "all"
            and self.statistics == "running"
            and not (self.measures or self.surface_points or self.precise_images)
            and not self.longest_gradient
            and self.optimizer == "sgd"
            and not any(isinstance(layer, Noise) for layer in self.architecture)
        )


@dataclass(frozen=True, slots=True)
class Arm:
    """One of the networks that a figure compares; `dashed` tells its line from the solid one.

    `noise`: its normalised activations are shifted and scaled at random. `learning_rate` is None
    where all arms share the request's. `learns` names what does (`TrainingSpec.trained`). `colour`:
    that of its line, where the norm does not tell the arms apart.
    """

    id: str
    label: str
    norm: Norm
    learning_rate: float | None = None
    noise: bool = False
    dashed: bool = False
    learns: str = "all"
    colour: str | None = None

    @property
    def ink(self) -> str:
        """The colour of its line, by the name that the style sheet knows."""
        return self.colour or ("plain" if self.norm == "none" else self.norm)


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


# Parameters that several experiments have; a default and more words are theirs.
LearningRate: TypeAlias = Annotated[
    float, Field(ge=0.001, le=1, description="The learning rate of every network.")
]
Gamma0: TypeAlias = Annotated[float, Field(ge=0.01, le=2, description="Where every γ starts.")]
BatchSize: TypeAlias = Annotated[
    int,
    Field(ge=2, le=128, description="Images in a mini-batch, over which BatchNorm takes means."),
]
Placed: TypeAlias = Annotated[Placement, Field(description="Where the norm sits in each block.")]


Depth: TypeAlias = Annotated[
    int, Field(ge=2, le=12, description="Convolutions of the deep network.")
]
# A deep network with a large batch trains for so many steps at most: a run's work is bounded.
FewerSteps: TypeAlias = Annotated[
    int, Field(ge=10, le=200, description="How many mini-batches each network sees.")
]
DeepOrShallow: TypeAlias = Annotated[
    Literal["deep", "shallow"],
    Field(
        description="Of as many convolutions as depth says and textbook BatchNorm, or the two "
        "blocks of the first figure."
    ),
]
# Convolutions of 8 channels of which a step costs as much as one of the article's first figure.
SHALLOW = 6


def effort(batch_size: int, depth: int = SHALLOW) -> float:
    """Returns the cost of a step at that batch size, in steps of the first figure at size 20.

    Half of such a step does not depend on the batch size. A network of more than `SHALLOW`
    convolutions costs in proportion to its `depth`.
    """
    return (0.5 + batch_size / 40) * max(1, depth / SHALLOW)


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

    @property
    def work(self) -> float:
        """What one training costs, in training steps of the article's first figure.

        Bounds on the parameters keep it so that one seed always fits into MAX_WORK.
        """
        return float(self.steps)

    def levels(self) -> tuple[Level, ...]:
        """Lines that these parameters draw across the charts."""
        return ()

    def parameters(self) -> dict[str, ParameterValue]:
        """The experiment's parameters, without the seeds."""
        return self.model_dump(exclude={"seed", "seeds"})

    def same_as(self, other: "RunRequest") -> bool:
        """Whether both lead to the same numbers, however they were written."""
        if type(self) is not type(other) or self.seed != other.seed:  # all live runs are asked
            return False
        return self.model_dump() == other.model_dump()


@dataclass(frozen=True)
class Experiment:
    """One figure of the article, as data.

    `lead`: the parameter with a slider beside Train; releasing it trains with the seed shown.
    """

    slug: str
    title: str
    claim: str
    arms: tuple[Arm, ...]
    metrics: tuple[Metric, ...]
    request: type[RunRequest]
    claims: tuple[Claim, ...]
    profiles: tuple[Profile, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    surfaces: tuple[Surface, ...] = ()
    lead: str | None = None
    # What `python -m app record` maps besides the figure's own run.
    sweep: Sweep | None = None

    def judge(self, measured: Measurements) -> Verdict:
        """Returns the verdict on this experiment's claims, given a run's measurements."""
        return judge(self.claims, measured, {arm.id: arm.label for arm in self.arms})

    def view(self, name: str) -> View:
        """The metric, profile, histogram or surface of that id. Raises KeyError."""
        views: Iterator[View] = chain(self.metrics, self.profiles, self.histograms, self.surfaces)
        return {view.id: view for view in views}[name]

    @property
    def steps(self) -> int:
        """Mini-batches that each network sees unless a reader asks for another number."""
        return int(self.request.model_fields["steps"].default)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """What may be turned, read off the request's own bounds (1.4 ms, and each page asks)."""
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
        fitting = self.most_seeds(request)
        if request.seeds > fitting:
            bound = f"should be at most {fitting} with these settings: a run's work is bounded"
            raise InvalidRequest([FieldProblem("seeds", bound)])
        return request

    def most_seeds(self, request: RunRequest) -> int:
        """How many seeds one run with these parameters may have."""
        return min(MAX_SEEDS, int(MAX_WORK / (request.work * len(self.arms))))

    def changed(self, request: RunRequest) -> dict[str, ParameterValue]:
        """The parameters that are not at their defaults."""
        defaults = self.parse({}).parameters()
        return {k: v for k, v in request.parameters().items() if v != defaults[k]}

    def command(self, request: RunRequest) -> str:
        """The one command that makes the same run in a terminal."""
        changed = [f"--set {name}={value}" for name, value in self.changed(request).items()]
        seeds = [f"--seeds {request.seeds}"] if request.seeds > 1 else []
        words = [self.slug, f"--seed {request.seed}", *seeds, *changed]
        return "python -m app train " + " ".join(words)

    def query(self, request: RunRequest) -> str:
        """All that the same run needs, as it stands in a permalink behind the question mark."""
        return urlencode({"figure": self.slug, **request.model_dump()})

    def trainings(
        self, request: RunRequest, *, side_by_side: SideBySide = "alone", slots: int = 1
    ) -> Iterator[TrainingSpec]:
        """The trainings of a run, seed by seed: whole comparisons finish first.

        One worker trains together: "alone", none; "in_turn", arms of a seed, dealt to at most
        `slots` workers, so that all arms grow at once; "batched", all that are alike.
        """
        # The longest first: noise takes more time than a norm, a norm more than none.
        arms = sorted(self.arms, key=lambda arm: (not arm.noise, arm.norm == "none"))
        seeds = range(request.seed, request.seed + request.seeds)
        each = [[request.training(arm, seed) for arm in arms] for seed in seeds]
        match side_by_side:
            case "alone":
                yield from chain(*each)
            case "in_turn":
                for of_a_seed in each:
                    yield from map(_grouped, _deal(of_a_seed, slots))
            case "batched":
                yield from _batched(chain(*each))


def _deal(specs: Sequence[TrainingSpec], hands: int) -> list[list[TrainingSpec]]:
    """Deals specs, the longest first, into at most that many hands of about equal time."""
    hands = min(hands, len(specs))
    dealt: list[list[TrainingSpec]] = [[] for _ in range(hands)]
    there_and_back = [*range(hands), *reversed(range(hands))]
    for number, spec in enumerate(specs):
        dealt[there_and_back[number % len(there_and_back)]].append(spec)
    return dealt


def _grouped(specs: Sequence[TrainingSpec], *, batched: bool = False) -> TrainingSpec:
    first, *others = specs
    return replace(first, beside=tuple(others), batched=batched and bool(others))


def _batched(specs: Iterable[TrainingSpec]) -> Iterator[TrainingSpec]:
    """Groups the specs that differ in arm, seed and learning rate alone, if they are separable."""
    alike: dict[TrainingSpec, list[TrainingSpec]] = {}
    for spec in specs:
        key = replace(spec, arm="", seed=0, learning_rate=0) if spec.separable else spec
        alike.setdefault(key, []).append(spec)
    for group in alike.values():
        yield _grouped(group, batched=True)


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
