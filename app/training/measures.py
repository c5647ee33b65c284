"""What is measured: pure functions of (network, data). They leave the network as it was."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Batch: TypeAlias = tuple[Tensor, Tensor]


@torch.inference_mode()
def evaluate(network: nn.Sequential, batches: Sequence[Batch]) -> Mapping[str, float]:
    """Mean cross-entropy (nats), accuracy (0…1) and dead units over all `batches`.

    In evaluation mode: BatchNorm uses its running averages, never these batches' statistics.
    `dead_units` is the fraction of convolution channels whose ReLU is zero at every place of
    every image: such a channel passes no gradient back for any of them.
    """
    was_training = network.training
    network.eval()
    loss, correct, images = torch.zeros(()), torch.zeros((), dtype=torch.long), 0
    activity: list[Tensor] = []
    for inputs, labels in batches:
        logits, active = _forward(network, inputs)
        activity.append(active)
        loss = loss + F.cross_entropy(logits, labels, reduction="sum").cpu()
        correct = correct + (logits.argmax(1) == labels).sum().cpu()
        images += len(labels)
    network.train(was_training)
    dead = torch.stack(activity).sum(0) == 0
    return {
        "test_loss": loss.item() / images,
        "test_accuracy": correct.item() / images,
        "dead_units": dead.float().mean().item(),
    }


def _forward(network: nn.Sequential, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (N, 10) and the total activity, ≥ 0, of each channel behind a ReLU (C,)."""
    x, activity = inputs, []
    for layer in network:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            activity.append(x.sum((0, 2, 3)))
    return x, torch.cat(activity)


Measure: TypeAlias = Callable[[nn.Sequential, Sequence[Batch]], Mapping[str, float]]
MEASURES: dict[str, Measure] = {"evaluate": evaluate}
