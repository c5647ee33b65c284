"""An evaluation's faster way through a network leads to the same place."""

import pytest
import torch
from torch import nn

from app.experiments.architectures import (
    Architecture,
    ReLU,
    Sigmoid,
    deep,
    dense,
    linear_chain,
    shallow,
)
from app.training.fused_inference import stages
from app.training.networks import build

ARCHITECTURES: dict[str, Architecture] = {
    "pooled, then the norm": shallow("batch", "after_pooling", 0.1),
    "the norm before the ReLU": shallow("batch", "before_relu", 1.0),
    "no norm": shallow("none", "after_pooling", 1.0),
    "noise": shallow("batch", "after_pooling", 1.0, noise=1.0),
    "deep": deep("group", 4),
    "dense": dense("batch", (20, 20), ReLU(), 1.0),
    "sigmoids": dense("batch", (20, 20), Sigmoid(), 1.0),
}


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_the_stages_make_up_the_network(architecture: Architecture) -> None:
    network = build(architecture, seed=3)
    network(torch.rand(20, 1, 28, 28))  # running averages that are no identity
    network.eval()
    images = torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = network(images)
        given = images.clone()
        x = images
        for stage, _ in stages(network):
            x = stage(x)
    assert torch.equal(images, given), "what was put in has changed"
    torch.testing.assert_close(x, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_each_relu_ends_a_stage(architecture: Architecture) -> None:
    network = build(architecture, seed=3)
    relus = sum(isinstance(layer, nn.ReLU) for layer in network)
    assert sum(ends for _, ends in stages(network)) == relus


def test_the_layers_whose_inputs_are_no_pictures_are_as_they_were() -> None:
    network = build(linear_chain("none", 3, 6), seed=3, input_shape=(6,))
    assert [stage for stage, _ in stages(network)] == list(network)


def test_a_square_of_which_the_largest_is_negative_gives_nothing() -> None:
    """Pooling and ReLU change places: max(0, max(a, b)) = max(max(0, a), max(0, b))."""
    network = build(shallow("none", "after_pooling", 1.0), seed=3)
    first = network[0]
    assert isinstance(first, nn.Conv2d)
    assert first.bias is not None
    with torch.inference_mode():
        first.bias.fill_(-100)
        stage, _ = next(stages(network))
        assert not stage(torch.rand(2, 1, 28, 28)).any()
