"""BatchNorm's statistics taken anew, instead of its running averages.

Wu, Johnson 2021, "Rethinking 'Batch' in BatchNorm", §3: a running average mixes in what older
weights gave; the statistics here are all of the weights as they are now.
"""

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm

from app.training.measures import evaluate
from app.training.steps import Batch


def precise(
    network: nn.Sequential, images: Tensor, size: int, tests: Sequence[Batch]
) -> Mapping[str, float]:
    """Accuracy (0…1) on the test batches with statistics from `images` (N, C, H, W).

    The images pass in mini-batches of `size`, as in training; a smaller rest is left out.
    `precise_gain` is how much higher it is than with the running averages.
    """
    running, anew = (
        evaluate(each, tests)["test_accuracy"]
        for each in (network, with_statistics_of(network, batches_of(images, size)))
    )
    return {"precise_accuracy": anew, "precise_gain": anew - running}


def batches_of(images: Tensor, size: int) -> Sequence[Tensor]:
    """Mini-batches (size, C, H, W); a smaller rest is left out."""
    return torch.split(images, size)[: len(images) // size]


@torch.no_grad()
def with_statistics_of(network: nn.Sequential, batches: Sequence[Tensor]) -> nn.Sequential:
    """A copy of the network whose BatchNorm layers hold the moments of all these mini-batches.

    Of mini-batches of equal size, each normalised by its own statistics on the way up as in
    training: μ = E[μ_B], σ² = E[σ²_B + μ_B²] − μ², summed in double precision.
    """
    renewed = copy.deepcopy(network).train()
    layers = [layer for layer in renewed if isinstance(layer, BatchNorm)]
    sums = {layer: _Sums(layer.num_features) for layer in layers}
    for batch in batches if layers else ():
        x = batch
        for layer in renewed:
            if layer in sums:
                sums[layer].add(x)
            x = layer(x)
    for layer, own in sums.items():
        mean, variance = own.moments()
        assert layer.running_mean is not None
        assert layer.running_var is not None
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(variance)
    return renewed


class _Sums:
    """First and second moments of each channel, summed over mini-batches."""

    def __init__(self, channels: int) -> None:
        self._first = torch.zeros(channels, dtype=torch.float64)
        self._second = torch.zeros(channels, dtype=torch.float64)
        self._batches = 0

    def add(self, x: Tensor) -> None:
        """Takes one mini-batch (N, C, …)."""
        places = (0, *range(2, x.dim()))
        variance, mean = (m.double().cpu() for m in torch.var_mean(x, places, correction=0))
        self._first += mean
        self._second += variance + mean.square()
        self._batches += 1

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and variance (divided by the count), (C,) each, over all that was taken."""
        mean = self._first / self._batches
        return mean, self._second / self._batches - mean.square()
