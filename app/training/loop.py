"""One training, from random weights to its last point: the main path of the project."""

import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from itertools import chain, islice

import torch
from torch import Tensor, nn

from app.events import ArmEnded, Points, Row, TrainingEvent
from app.experiments.definition import MAX_SEED, TrainingSpec
from app.training import landscape
from app.training.batches import fixed_batch, test_batches, training_batches
from app.training.datasets import Dataset
from app.training.lines import Line
from app.training.measures import EVALUATIONS, MEASURES
from app.training.networks import build, freeze
from app.training.norms import at_step
from app.training.optimizers import OPTIMIZERS, Optimizer
from app.training.precise import batches_of, precise, with_statistics_of
from app.training.steps import CRITERIA, Step, look

# On which precise statistics are taken for `TrainingSpec.statistics`.
PRECISE_IMAGES = 512


def train(spec: TrainingSpec, dataset: Dataset, device: str = "cpu") -> Iterator[TrainingEvent]:
    """Trains one network with plain SGD and yields what is measured, as it is measured.

    Yields `Points` and `Row`s from step 0, before the first update, to the last, then one
    `ArmEnded` with the last value of each metric. Same spec and device, same numbers, bit for bit.
    """
    network = start(spec, device)
    batches = training_batches(dataset, spec, device)
    tests = test_batches(dataset, spec.test_images, device) if spec.evaluation else []
    population = _population(spec, dataset, device)
    criterion = CRITERIA[spec.criterion]
    descend = _optimizer(spec)
    latest: dict[str, float] = {}
    before: Step | None = None

    def points(step: int, values: Mapping[str, float]) -> Points:
        latest.update(values)
        return Points(spec.arm, spec.seed, [step], {name: [v] for name, v in values.items()})

    for step in range(spec.steps + 1):
        at_step(network, step)
        # What the network can do so far, before it sees this step's mini-batch.
        if spec.evaluation and (step % spec.evaluate_every == 0 or step == spec.steps):
            tested = _tested(spec, network, population)
            yield points(step, EVALUATIONS[spec.evaluation](tested, tests))
        if spec.precise_images and (step % spec.precise_every == 0 or step == spec.steps):
            yield points(step, precise(network, population, spec.batch_size, tests))

        now = look(network, next(batches), spec.learning_rate, criterion)
        for every in spec.measures:
            if every.due(step, spec.steps):
                found = [MEASURES[name](now, before).items() for name in every.measures]
                values = {name: v for name, v in chain(*found) if not isinstance(v, Line)}
                if values:
                    yield points(step, values)
                for name, line in chain(*found):
                    if isinstance(line, Line):
                        yield _row(spec, step, name, line)

        if diverged(latest[spec.loss], spec.diverged_above):
            yield ArmEnded(spec.arm, spec.seed, "diverged", latest)
            return
        if step < spec.steps:
            descend(now)
        before = now

    if spec.surface_points:
        barriers = yield from _surroundings(spec, network, dataset, device)
        yield points(spec.steps, barriers)
    yield ArmEnded(spec.arm, spec.seed, "finished", latest)


def _surroundings(
    spec: TrainingSpec, network: nn.Sequential, dataset: Dataset, device: str
) -> Generator[Row, None, Mapping[str, float]]:
    """The loss around the network, row by row, then on the line to the one of the next seed.

    Returns the line's barriers: with the mini-batch's own statistics, and with running averages.
    """
    images = fixed_batch(dataset, spec.surface_images, device)
    next_seed = replace(spec, seed=(spec.seed + 1) % (MAX_SEED + 1))
    other = start(next_seed, device)
    # It trains between the rows, so that neither of the two leaves the reader waiting.
    training = _training(next_seed, other, dataset, device)
    steps_a_row = math.ceil(spec.steps / spec.surface_points)

    for y, losses in landscape.surface(network, images, spec.seed, spec.surface_points):
        for _ in islice(training, steps_a_row):
            pass
        yield _row(spec, spec.steps, "surface", Line(-1, 1, losses), y)
    line = _row(spec, spec.steps, "line", landscape.line(network, other, images))
    yield line
    running = landscape.line_with_running_averages(network, other, images)
    return {
        "barrier": landscape.barrier(line),
        "barrier_running": landscape.barrier(_row(spec, spec.steps, "", running)),
    }


def _row(spec: TrainingSpec, step: int, metric: str, line: Line, y: float | None = None) -> Row:
    return Row(spec.arm, spec.seed, step, metric, line.low, line.high, line.values, y)


def _training(
    spec: TrainingSpec, network: nn.Sequential, dataset: Dataset, device: str
) -> Iterator[int]:
    """Trains without measuring; yields the number of each step that was made."""
    batches, descend = training_batches(dataset, spec, device), _optimizer(spec)
    for step in range(spec.steps):
        at_step(network, step)
        descend(look(network, next(batches), spec.learning_rate, CRITERIA[spec.criterion]))
        yield step


def start(spec: TrainingSpec, device: str) -> nn.Sequential:
    """The network before its first step, with the seed's weights."""
    network = build(spec.architecture, spec.seed, spec.input_shape)
    freeze(network, spec.trained)
    return network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def _optimizer(spec: TrainingSpec) -> Optimizer:
    return OPTIMIZERS[spec.optimizer](spec.longest_gradient)


def _population(spec: TrainingSpec, dataset: Dataset, device: str) -> Tensor:
    """The images (N, C, H, W) on which precise statistics are taken; none where N is 0."""
    count = PRECISE_IMAGES if spec.statistics == "precise" else spec.precise_images
    return fixed_batch(dataset, count, device)[0] if count else torch.empty(0)


def _tested(spec: TrainingSpec, network: nn.Sequential, population: Tensor) -> nn.Sequential:
    """The network as it is evaluated: itself, or a copy with precise statistics."""
    if spec.statistics == "running":
        return network
    return with_statistics_of(network, batches_of(population, spec.batch_size))


def diverged(loss: float, bound: float) -> bool:
    """Whether a training with that loss is over."""
    return not math.isfinite(loss) or loss > bound
