from itertools import combinations
from math import acos, pi, sqrt
from statistics import fmean

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.experiments.architectures import Architecture, Linear, ReLU, deep, dense, shallow
from app.training.datasets import Dataset
from app.training.lines import Line
from app.training.networks import freeze
from app.training.propagation import mean_cosine, through_blocks
from app.training.steps import Step, look
from tests.training.looking import digits, network_of, state, step_of, unchanged

DEPTH = 5


def lines_of(step: Step) -> tuple[list[float], list[float]]:
    """Sizes of the activations and of their gradients, block by block."""
    found = through_blocks(step, None)
    sizes, lengths = found["activation_size"], found["gradient_size"]
    assert isinstance(sizes, Line)
    assert isinstance(lengths, Line)
    assert (sizes.low, sizes.high) == (lengths.low, lengths.high) == (1, len(sizes.values))
    return list(sizes.values), list(lengths.values)


def outputs_of_blocks(network: nn.Sequential, images: Tensor) -> list[Tensor]:
    """What leaves each block of a `deep` network, with a gradient of its own to be filled in."""
    leaving, x = [], images
    for layer in network:
        if isinstance(layer, nn.Conv2d | nn.Flatten) and x is not images:
            x.retain_grad()
            leaving.append(x)
        x = layer(x)
    leaving.append(x)
    return leaving


@pytest.mark.parametrize("norm", ["none", "batch", "group"])
def test_sizes_and_gradients_are_those_of_plain_autograd(dataset: Dataset, norm: str) -> None:
    images, labels = digits(dataset)
    architecture = deep(norm, DEPTH)  # type: ignore[arg-type]
    sizes, lengths = lines_of(step_of(architecture, (images, labels)))

    *leaving, logits = outputs_of_blocks(network_of(architecture), images)
    torch.autograd.backward(F.cross_entropy(logits, labels))
    assert len(leaving) == DEPTH
    assert sizes == pytest.approx([x.detach().pow(2).mean().sqrt().item() for x in leaving])
    assert lengths == pytest.approx([x.grad.norm().item() for x in leaving if x.grad is not None])


def test_growth_is_between_the_first_block_and_the_last(dataset: Dataset) -> None:
    step = step_of(deep("batch", DEPTH), digits(dataset))
    found, (sizes, lengths) = through_blocks(step, None), lines_of(step)
    assert found["activation_growth"] == pytest.approx(sizes[-1] / sizes[0])
    assert found["gradient_growth"] == pytest.approx(lengths[0] / lengths[-1])
    a_block = found["gradient_growth_a_block"]
    assert isinstance(a_block, float)
    assert a_block ** (DEPTH - 1) == pytest.approx(lengths[0] / lengths[-1])


def test_the_cosine_is_the_mean_over_all_pairs_of_images(dataset: Dataset) -> None:
    step = step_of(deep("batch", DEPTH), digits(dataset))
    found = through_blocks(step, None)
    cosines = found["activation_cosine"]
    assert isinstance(cosines, Line)
    assert (cosines.low, cosines.high) == (1, DEPTH)
    expected = [
        fmean(F.cosine_similarity(a, b, dim=0).item() for a, b in combinations(x.flatten(1), 2))
        for x in step.inputs
    ]
    assert list(cosines.values) == pytest.approx(expected)
    assert found["last_cosine"] == cosines.values[-1]


def test_the_cosine_of_equal_orthogonal_and_opposite_activations() -> None:
    """Whatever their lengths; and an image without any activity is orthogonal to all."""
    lengths = torch.tensor([[1.0], [2.0], [0.5], [3.0]])
    assert mean_cosine(lengths * torch.ones(4, 6)) == pytest.approx(1)
    assert mean_cosine(lengths * torch.eye(4)) == pytest.approx(0)
    assert mean_cosine(torch.tensor([[1.0, 1], [-2, -2]]).reshape(2, 2, 1, 1)) == pytest.approx(-1)
    # One of three pairs is left.
    assert mean_cosine(torch.tensor([[1.0, 1], [2, 2], [0, 0]])) == pytest.approx(1 / 3)


def test_without_a_norm_wide_layers_make_images_alike_as_the_theory_says() -> None:
    """Cho, Saul 2009: c becomes (√(1 − c²) + (π − arccos c)·c)/π behind a ReLU.

    With weights of any variance, as long as there are no biases; here from orthogonal inputs on.
    """
    inputs = torch.eye(28 * 28, dtype=torch.float64)[:50].reshape(50, 1, 28, 28)
    network = network_of(dense("none", [3000] * 4, ReLU(), gain=sqrt(2)))
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
    step = look(network, (inputs, torch.arange(50) % 10), 0.1)
    cosine = 0.0
    for x in step.inputs:
        cosine = (sqrt(1 - cosine**2) + (pi - acos(cosine)) * cosine) / pi
        assert mean_cosine(x) == pytest.approx(cosine, abs=0.01)


def test_larger_weights_in_the_last_layer_lengthen_all_gradients_alike(dataset: Dataset) -> None:
    """By hand: with equal logits for all classes, ∂L/∂x is linear in the last layer's weights."""
    batch = digits(dataset)
    network = network_of(deep("none", 3))
    last = network.get_parameter(f"{len(network) - 1}.weight")
    gradients = []
    for factor in (1e-9, 2):
        with torch.no_grad():
            last.mul_(factor)
        gradients.append(lines_of(look(network, batch, 0.1))[1])
    assert gradients[1] == pytest.approx([2 * length for length in gradients[0]], rel=1e-6)


@pytest.mark.parametrize("architecture", [deep("batch", 3), shallow("batch", "after_pooling", 1)])
def test_it_leaves_no_trace(dataset: Dataset, architecture: Architecture) -> None:
    images, labels = digits(dataset)
    step = step_of(architecture, (images, labels))
    before = state(step.network)
    through_blocks(step, None)
    assert unchanged(step.network, before)
    assert not images.requires_grad
    assert all(parameter.grad is None for parameter in step.network.parameters())


def test_frozen_layers_pass_gradients_on(dataset: Dataset) -> None:
    network = network_of(deep("batch", 3))
    free = lines_of(look(network, digits(dataset), 0.1))
    freeze(network, "output")
    assert lines_of(look(network, digits(dataset), 0.1)) == free


def test_in_wide_layers_batchnorm_makes_gradients_grow_as_the_theory_says() -> None:
    """Yang et al. 2019: by √(π/(π − 1)) a layer for ReLUs, where layers and batch are large."""
    source = torch.Generator().manual_seed(1)
    architecture = dense("batch", [400] * 12, ReLU(), gain=1)
    network = network_of(architecture)
    batch = (
        torch.randn(400, 1, 28, 28, generator=source).double(),
        torch.randint(10, (400,), generator=source),
    )
    _, lengths = lines_of(look(network, batch, 0.1))
    # The first layers still know how the images lie; from then on each step is alike.
    a_layer = (lengths[4] / lengths[-1]) ** (1 / (len(lengths) - 5))
    assert a_layer == pytest.approx(sqrt(pi / (pi - 1)), rel=0.03)
    assert sum(isinstance(layer, Linear) for layer in architecture) == len(lengths) + 1
