import itertools

import pytest
import torch

from app.experiments.architectures import (
    NORMS,
    PLACEMENTS,
    Architecture,
    BatchNorm,
    Convolution,
    Linear,
    MaxPool,
    Norm,
    Placement,
    ReLU,
    deep,
    parameter_count,
    shallow,
    with_shapes,
)
from app.training.networks import build

every_architecture = pytest.mark.parametrize(
    "architecture",
    [
        *(shallow(norm, placement, 0.1) for norm in NORMS for placement in PLACEMENTS),
        shallow("batch", "after_pooling", 0.1, noise=1.0),
        *(deep(norm, depth) for norm in NORMS for depth in (1, 2, 6)),
    ],
    ids=lambda architecture: "-".join(type(layer).__name__ for layer in architecture),
)


@every_architecture
def test_the_shapes_are_those_of_the_built_network(architecture: Architecture) -> None:
    network = build(architecture, 0)
    x, seen = torch.zeros(2, 1, 28, 28), []
    for module in network:
        x = module(x)
        if not isinstance(module, torch.nn.Flatten):
            seen.append(tuple(x.shape[1:]))
    assert [after for _, _, after in with_shapes(architecture)] == seen
    assert seen[-1] == (10,)


@every_architecture
def test_what_leaves_a_layer_enters_the_next(architecture: Architecture) -> None:
    shapes = list(with_shapes(architecture))
    assert shapes[0][1] == (1, 28, 28)
    for (_, _, after), (_, before, _) in itertools.pairwise(shapes):
        assert after == before


@every_architecture
def test_the_parameters_are_as_many_as_the_built_network_has(architecture: Architecture) -> None:
    network = build(architecture, 0)
    counted = sum(parameter.numel() for parameter in network.parameters())
    assert parameter_count(architecture) == counted


def test_the_shallow_network_is_the_one_of_the_article() -> None:
    assert shallow("none", "after_pooling", 0.1) == (
        Convolution(8, 5, 0.1),
        ReLU(),
        MaxPool(2),
        Convolution(16, 5, 0.1),
        ReLU(),
        MaxPool(2),
        Linear(10, 1 / 28),
    )
    assert parameter_count(shallow("none", "after_pooling", 0.1)) == 208 + 3216 + 7850


@pytest.mark.parametrize(
    ("placement", "block"),
    [
        ("before_relu", [Convolution, BatchNorm, ReLU, MaxPool]),
        ("after_pooling", [Convolution, ReLU, MaxPool, BatchNorm]),
    ],
)
def test_batchnorm_sits_where_the_placement_says(placement: Placement, block: list[type]) -> None:
    layers = [type(layer) for layer in shallow("batch", placement, 0.1)]
    assert layers == [*block, *block, Linear]


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_gamma0_reaches_every_batchnorm(norm: Norm) -> None:
    norms = [layer for layer in shallow(norm, "after_pooling", 0.7) if isinstance(layer, BatchNorm)]
    assert norms == ([BatchNorm(0.7)] * 2 if norm == "batch" else [])
