"""Steps to measure: small networks, real digits, double precision."""

import torch
from torch import nn

from app.experiments.architectures import Architecture
from app.training.datasets import Dataset
from app.training.networks import build
from app.training.steps import Batch, Step, look


def digits(dataset: Dataset, count: int = 20, first: int = 0) -> Batch:
    """A batch of training images (N, 1, 28, 28), float64 in 0…1, with their labels."""
    images = dataset.train_images[first : first + count].double() / 255
    return images, dataset.train_labels[first : first + count]


def network_of(architecture: Architecture, seed: int = 1) -> nn.Sequential:
    """Built as for a training, in double precision."""
    return build(architecture, seed).double()


def step_of(
    architecture: Architecture, batch: Batch, learning_rate: float = 0.1, seed: int = 1
) -> Step:
    """The first step of a new network on that batch."""
    return look(network_of(architecture, seed), batch, learning_rate)


def state(network: nn.Sequential) -> dict[str, torch.Tensor]:
    """Copies of all parameters and buffers."""
    return {name: value.clone() for name, value in network.state_dict().items()}


def unchanged(network: nn.Sequential, before: dict[str, torch.Tensor]) -> bool:
    """Whether parameters and buffers are what they were, bit for bit."""
    after = network.state_dict()
    return list(after) == list(before) and all(
        torch.equal(after[name], value) for name, value in before.items()
    )
