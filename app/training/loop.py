"""One training, from random weights to its last point: the main path of the project."""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from app.events import ArmEnded, Points, TrainingEvent
from app.experiments import TrainingSpec
from app.training.datasets import Dataset
from app.training.measures import MEASURES, Batch
from app.training.networks import build

# Measured on two cores: one batch of 1,000 test images spends most of its time in page
# faults; from chunks of 100 the working set stays in the processor's cache.
CHUNK = 100


def train(spec: TrainingSpec, dataset: Dataset, device: str = "cpu") -> Iterator[TrainingEvent]:
    """Trains one network with plain SGD and yields what is measured, as it is measured.

    Yields a `Points` every `spec.measure_every` steps, from step 0 (before the first update)
    to the last, then one `ArmEnded`. Same spec and device, same numbers, bit for bit.
    """
    # Weights and batch order come from two streams of the same seed, whatever the arm is:
    # arms of one seed are a paired comparison.
    weights = torch.Generator().manual_seed(2 * spec.seed)
    order = torch.Generator().manual_seed(2 * spec.seed + 1)

    network = build(spec.architecture, weights)
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    parameters = list(network.parameters())
    measure = MEASURES[spec.measure]
    test_batches = _test_batches(dataset, spec.test_images, device)
    batches = _training_batches(dataset, spec, order, device)

    for step in range(spec.steps + 1):
        if step > 0:
            images, labels = next(batches)
            loss = F.cross_entropy(network(images), labels)
            gradients = torch.autograd.grad(loss, parameters)
            with torch.no_grad():
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter.sub_(gradient, alpha=spec.learning_rate)

        if step % spec.measure_every == 0 or step == spec.steps:
            values = measure(network, test_batches)
            yield Points(
                spec.arm, spec.seed, [step], {name: [value] for name, value in values.items()}
            )
            if _diverged(values[spec.loss], spec.diverged_above):
                yield ArmEnded(spec.arm, spec.seed, "diverged", values)
                return

    yield ArmEnded(spec.arm, spec.seed, "finished", values)


def _diverged(loss: float, bound: float) -> bool:
    return not math.isfinite(loss) or loss > bound


def _training_batches(
    dataset: Dataset, spec: TrainingSpec, order: torch.Generator, device: str
) -> Iterator[Batch]:
    """Shuffled mini-batches, each image once an epoch; an epoch's last, smaller rest is dropped."""
    count = len(dataset.train_labels)
    while True:
        epoch = torch.randperm(count, generator=order)
        for indices in torch.split(epoch, spec.batch_size)[: count // spec.batch_size]:
            yield _prepare(dataset.train_images[indices], dataset.train_labels[indices], device)


def _test_batches(dataset: Dataset, count: int, device: str) -> list[Batch]:
    """`count` test images evenly spread over the file, whose first half is known to be easier."""
    stride = len(dataset.test_labels) // count
    images, labels = _prepare(
        dataset.test_images[::stride][:count], dataset.test_labels[::stride][:count], device
    )
    return list(zip(torch.split(images, CHUNK), torch.split(labels, CHUNK), strict=True))


def _prepare(images: Tensor, labels: Tensor, device: str) -> Batch:
    scaled = images.to(device).float().div_(255)
    return scaled.contiguous(memory_format=torch.channels_last), labels.to(device)
