"""One step of training: what the network does with a mini-batch, before it is updated.

A `Step` is what every measure of a step works on. Its passes at other parameters run on copies
of the buffers, so that nothing measured leaves a trace in the network.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

Batch: TypeAlias = tuple[Tensor, Tensor]
Parameters: TypeAlias = Mapping[str, Tensor]
# (what the network says, what it should say) → one number.
Criterion: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """The sum over all examples and all their values, as in Santurkar et al. 2018, §3.2."""
    return (outputs - targets).square().sum()


def one_hot_error(outputs: Tensor, labels: Tensor) -> Tensor:
    """Half the squared distance to the label's one-hot vector, its mean over all examples."""
    wanted = F.one_hot(labels, outputs.shape[1])
    return 0.5 * (outputs - wanted).square().sum(1).mean()


CRITERIA: dict[str, Criterion] = {
    "cross_entropy": F.cross_entropy,
    "squared_error": squared_error,
    "one_hot_error": one_hot_error,
}


@dataclass(frozen=True)
class Step:
    """θ_t on mini-batch t. `loss` is the criterion's, in nats for the cross-entropy.

    `parameters` are those of the network that learn, and change with the update that follows;
    `gradients` are ∇L(θ_t) by the same names. `outputs`: the network's, (N, 10). `inputs`: what
    enters each layer with weights but the first, that is, each block's activations behind norm
    and noise, (N, C, H, W) or (N, C).
    """

    network: nn.Sequential
    images: Tensor
    labels: Tensor
    criterion: Criterion
    learning_rate: float
    parameters: Parameters
    loss: float
    gradients: Parameters
    outputs: Tensor
    inputs: Sequence[Tensor]

    def at(self, parameters: Parameters) -> tuple[float, Parameters]:
        """L and ∇L on the same mini-batch at other parameters; the network stays as it was."""
        movable = {name: value.detach().requires_grad_() for name, value in parameters.items()}
        loss = loss_at(self.network, movable, (self.images, self.labels), self.criterion)
        return loss.item(), _gradients(loss, movable)

    def moved(self, distance: float) -> Parameters:
        """θ − a·∇L(θ) for the distance a."""
        return {
            name: value.detach() - distance * self.gradients[name]
            for name, value in self.parameters.items()
        }


def look(
    network: nn.Sequential,
    batch: Batch,
    learning_rate: float,
    criterion: Criterion = F.cross_entropy,
) -> Step:
    """The forward and backward pass that an update is made of.

    In training mode: normalisation uses this mini-batch, and its running averages take it in.
    """
    images, labels = batch
    parameters = learning(network)
    outputs, inputs = forward(network, images)
    loss = criterion(outputs, labels)
    return Step(
        network=network,
        images=images,
        labels=labels,
        criterion=criterion,
        learning_rate=learning_rate,
        parameters=parameters,
        loss=loss.item(),
        gradients=_gradients(loss, parameters),
        outputs=outputs.detach(),
        inputs=[x.detach() for x in inputs],
    )


def learning(network: nn.Sequential) -> dict[str, nn.Parameter]:
    """The parameters that an update changes, by name: all that are not frozen."""
    return {name: p for name, p in network.named_parameters() if p.requires_grad}


@torch.no_grad()
def update(step: Step, longest: float = 0) -> None:
    """θ ← θ − η·∇L, in place; with a ∇L of length `longest` if it is longer and that is not 0."""
    rate = step.learning_rate
    if longest:
        rate *= min(1, longest / flat(step.gradients).norm().item())
    for name, parameter in step.parameters.items():
        parameter.sub_(step.gradients[name], alpha=rate)


def loss_at(
    network: nn.Sequential,
    parameters: Parameters,
    batch: Batch,
    criterion: Criterion = F.cross_entropy,
) -> Tensor:
    """The loss of the network at other parameters, in its present mode.

    Runs on copies of the buffers: a pass that nobody will notice.
    """
    images, labels = batch
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    return criterion(functional_call(network, {**parameters, **buffers}, (images,)), labels)


def flat(parameters: Parameters, names: Iterable[str] | None = None) -> Tensor:
    """All values (or those of `names`) as one vector."""
    return torch.cat([parameters[name].reshape(-1) for name in names or parameters])


def forward(network: nn.Sequential, images: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The outputs, and what enters each layer with weights but the first, as in `Step`."""
    x, inputs = images, list[Tensor]()
    for before, layer in pairwise((None, *network)):
        # Flattening belongs to the linear layer behind it: its inputs are seen by channel.
        if isinstance(layer, nn.Conv2d | nn.Flatten) or (
            isinstance(layer, nn.Linear) and not isinstance(before, nn.Flatten)
        ):
            inputs.append(x)
        x = layer(x)
    return x, inputs[1:]


def _gradients(loss: Tensor, parameters: Parameters) -> Parameters:
    found = torch.autograd.grad(loss, list(parameters.values()))
    return dict(zip(parameters, found, strict=True))
