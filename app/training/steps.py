"""One step of training: what the network does with a mini-batch, before it is updated.

A `Step` is what every measure of a step works on. Its passes at other parameters run on copies
of the buffers, so that nothing measured leaves a trace in the network.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

Batch: TypeAlias = tuple[Tensor, Tensor]
Parameters: TypeAlias = Mapping[str, Tensor]


@dataclass(frozen=True)
class Step:
    """θ_t on mini-batch t. `loss` and `accuracy` are the mini-batch's, in nats and 0…1.

    `parameters` are the network's own and change with the update that follows; `gradients` are
    ∇L(θ_t) by the same names. `inputs`: what enters each layer with weights but the first, that
    is, each block's activations behind norm and noise, (N, C, H, W).
    """

    network: nn.Sequential
    images: Tensor
    labels: Tensor
    learning_rate: float
    parameters: Parameters
    loss: float
    accuracy: float
    gradients: Parameters
    inputs: Sequence[Tensor]

    def at(self, parameters: Parameters) -> tuple[float, Parameters]:
        """L and ∇L on the same mini-batch at other parameters; the network stays as it was."""
        movable = {name: value.detach().requires_grad_() for name, value in parameters.items()}
        loss = loss_at(self.network, movable, self.images, self.labels)
        return loss.item(), _gradients(loss, movable)

    def moved(self, distance: float) -> Parameters:
        """θ − a·∇L(θ) for the distance a."""
        return {
            name: value.detach() - distance * self.gradients[name]
            for name, value in self.parameters.items()
        }


def look(network: nn.Sequential, batch: Batch, learning_rate: float) -> Step:
    """The forward and backward pass that an update is made of.

    In training mode: normalisation uses this mini-batch, and its running averages take it in.
    """
    images, labels = batch
    parameters = dict(network.named_parameters())
    logits, inputs = _forward(network, images)
    loss = F.cross_entropy(logits, labels)
    return Step(
        network=network,
        images=images,
        labels=labels,
        learning_rate=learning_rate,
        parameters=parameters,
        loss=loss.item(),
        accuracy=(logits.argmax(1) == labels).sum().item() / len(labels),
        gradients=_gradients(loss, parameters),
        inputs=inputs,
    )


@torch.no_grad()
def update(step: Step) -> None:
    """θ ← θ − η·∇L, in place."""
    for name, parameter in step.parameters.items():
        parameter.sub_(step.gradients[name], alpha=step.learning_rate)


def loss_at(
    network: nn.Sequential, parameters: Parameters, images: Tensor, labels: Tensor
) -> Tensor:
    """Mean cross-entropy of the network at other parameters, in its present mode.

    Runs on copies of the buffers: a pass that nobody will notice.
    """
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    logits = functional_call(network, {**parameters, **buffers}, (images,))
    return F.cross_entropy(logits, labels)


def flat(parameters: Parameters, names: Iterable[str] | None = None) -> Tensor:
    """All values (or those of `names`) as one vector."""
    return torch.cat([parameters[name].reshape(-1) for name in names or parameters])


def _forward(network: nn.Sequential, images: Tensor) -> tuple[Tensor, list[Tensor]]:
    x, inputs = images, []
    for layer in network:
        if isinstance(layer, nn.Conv2d | nn.Flatten):
            inputs.append(x.detach())
        x = layer(x)
    return x, inputs[1:]


def _gradients(loss: Tensor, parameters: Parameters) -> Parameters:
    found = torch.autograd.grad(loss, list(parameters.values()))
    return dict(zip(parameters, found, strict=True))
