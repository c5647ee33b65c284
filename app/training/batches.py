"""The data set as mini-batches to train on and images to test on."""

from collections.abc import Callable, Iterator
from itertools import repeat
from math import prod
from typing import TypeAlias

import torch
from torch import Tensor

from app.experiments.definition import TrainingSpec
from app.training.datasets import Dataset
from app.training.randomness import stream
from app.training.steps import Batch

# Measured on two cores: one batch of 1,000 test images spends most of its time in page
# faults; from chunks of 100 the working set stays in the processor's cache.
CHUNK = 100


def shuffled(dataset: Dataset, spec: TrainingSpec, device: str) -> Iterator[Batch]:
    """Shuffled mini-batches, each image once an epoch; an epoch's last, smaller rest is dropped.

    The order is the seed's, whatever the arm: arms of one seed are a paired comparison.
    """
    order = stream(spec.seed, "order")
    count = len(dataset.train_labels)
    while True:
        epoch = torch.randperm(count, generator=order)
        for indices in torch.split(epoch, spec.batch_size)[: count // spec.batch_size]:
            yield _prepare(dataset.train_images[indices], dataset.train_labels[indices], device)


def always_the_same(dataset: Dataset, spec: TrainingSpec, device: str) -> Iterator[Batch]:
    """The same `spec.batch_size` training images at every step: gradient descent on all of them."""
    return repeat(fixed_batch(dataset, spec.batch_size, device))


def linear_map(dataset: Dataset, spec: TrainingSpec, device: str) -> Iterator[Batch]:
    """The same `spec.batch_size` examples (x, A·x) at every step, all numbers of both from N(0, 1).

    The task of Santurkar et al. 2018, §3.2; x and A are the seed's. No image is used.
    """
    source = stream(spec.seed, "linear map")
    width = prod(spec.input_shape)
    matrix = torch.randn(width, width, generator=source)
    x = torch.randn(spec.batch_size, width, generator=source)
    return repeat((x.to(device), (x @ matrix.T).to(device)))


def training_batches(dataset: Dataset, spec: TrainingSpec, device: str) -> Iterator[Batch]:
    """The mini-batches that this training sees, one after the other, without an end."""
    return SOURCES[spec.batches](dataset, spec, device)


def test_batches(dataset: Dataset, count: int, device: str) -> list[Batch]:
    """`count` test images evenly spread over the file, whose first half is known to be easier."""
    images, labels = _spread(dataset.test_images, dataset.test_labels, count, device)
    return list(zip(torch.split(images, CHUNK), torch.split(labels, CHUNK), strict=True))


def fixed_batch(dataset: Dataset, count: int, device: str) -> Batch:
    """`count` training images evenly spread over the file: the same for every training."""
    return _spread(dataset.train_images, dataset.train_labels, count, device)


def _spread(images: Tensor, labels: Tensor, count: int, device: str) -> Batch:
    stride = len(labels) // count
    return _prepare(images[::stride][:count], labels[::stride][:count], device)


def _prepare(images: Tensor, labels: Tensor, device: str) -> Batch:
    scaled = images.to(device).float().div_(255)
    return scaled.contiguous(memory_format=torch.channels_last), labels.to(device)


Source: TypeAlias = Callable[[Dataset, TrainingSpec, str], Iterator[Batch]]
SOURCES: dict[str, Source] = {
    "shuffled": shuffled,
    "always_the_same": always_the_same,
    "linear_map": linear_map,
}
