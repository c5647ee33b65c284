"""Trainings side by side: all their networks in one pass, each on its own mini-batch.

For a GPU, which one network of this article's size can't fill: a step costs it the start of dozens
of kernels, however little each has to do. With `torch.func.vmap` a kernel does the work of all.
"""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from app.events import ArmEnded, Points, TrainingEvent
from app.experiments.definition import TrainingSpec
from app.training.batches import test_batches, training_batches
from app.training.datasets import Dataset
from app.training.loop import diverged, start
from app.training.measures import Values
from app.training.steps import Batch

# Tensors of S networks by name, each (S, …).
Stacked: TypeAlias = dict[str, Tensor]


def train_together(
    spec: TrainingSpec, dataset: Dataset, device: str = "cpu"
) -> Iterator[TrainingEvent]:
    """What `loop.train` yields for `spec` and for each that is `beside` it, all step by step.

    Up to rounding, which steps at a high rate blow up. Who diverged says no more; the others go on.
    """
    members = spec.members
    networks = [start(member, device) for member in members]
    network = networks[0]  # whose layers all go through
    stacked, averages = stack_module_state(list(networks))
    weights = {name: weight.detach() for name, weight in stacked.items()}
    rates = torch.tensor([member.learning_rate for member in members], device=device)
    sources = [training_batches(dataset, member, device) for member in members]
    tests = test_batches(dataset, spec.test_images, device)
    latest: dict[TrainingSpec, Values] = {member: {} for member in members}

    for step in range(spec.steps + 1):
        if step % spec.evaluate_every == 0 or step == spec.steps:
            found = _evaluate(network, {**weights, **averages}, tests)
            for member, values in zip(members, found, strict=True):
                if member not in latest:
                    continue
                latest[member] = values
                lists = {name: [value] for name, value in values.items()}
                yield Points(member.arm, member.seed, [step], lists)
                if diverged(values[spec.loss], spec.diverged_above):
                    yield ArmEnded(member.arm, member.seed, "diverged", latest.pop(member))
        if not latest:
            return
        if step < spec.steps:
            images, labels = map(torch.stack, zip(*map(next, sources), strict=True))
            gradients, averages = _gradients(network, weights, averages, (images, labels))
            weights = {
                name: _descend(weight, gradients[name], rates) for name, weight in weights.items()
            }
    for member, values in latest.items():
        yield ArmEnded(member.arm, member.seed, "finished", values)


def _gradients(
    network: nn.Sequential, weights: Stacked, averages: Stacked, batches: Batch
) -> tuple[Stacked, Stacked]:
    """∇L of each on its mini-batch (S, N, C, H, W), and the running averages after that pass."""

    def loss(
        weights: Stacked, averages: Stacked, images: Tensor, labels: Tensor
    ) -> tuple[Tensor, Stacked]:
        moved = {name: average.clone() for name, average in averages.items()}
        outputs = functional_call(network, {**weights, **moved}, (images,))
        return F.cross_entropy(outputs, labels), moved

    network.train()
    gradients, moved = vmap(grad(loss, has_aux=True))(weights, averages, *batches)
    return gradients, moved


_descend = vmap(lambda weight, gradient, rate: weight - rate * gradient)


@torch.no_grad()
def _evaluate(network: nn.Sequential, tensors: Stacked, batches: Sequence[Batch]) -> list[Values]:
    """Of each network what `measures.evaluate` says; all see the same images."""
    network.eval()
    watched = _Watched(network)
    named = {f"network.{name}": tensor for name, tensor in tensors.items()}

    def through(named: Stacked, images: Tensor) -> tuple[Tensor, Tensor]:
        seen: tuple[Tensor, Tensor] = functional_call(watched, named, (images,))
        return seen

    each = vmap(through, in_dims=(0, None))
    outputs, activity = zip(*(each(named, images) for images, _ in batches), strict=True)
    logits, labels = torch.cat(outputs, 1), torch.cat([labels for _, labels in batches])
    columns = {
        "test_loss": torch.stack([F.cross_entropy(of_one, labels) for of_one in logits]),
        "test_accuracy": (logits.argmax(2) == labels).double().mean(1),
        "dead_units": (torch.stack(activity).sum(0) == 0).float().mean(1),
    }
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


class _Watched(nn.Module):
    """A network that tells, with its logits (N, 10), each channel's total behind a ReLU (C,)."""

    def __init__(self, network: nn.Sequential) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        x, activity = images, list[Tensor]()
        for layer in self.network:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                activity.append(x.sum((0, *range(2, x.dim()))))
        return x, torch.cat(activity)
