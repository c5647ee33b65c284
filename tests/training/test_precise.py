import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.experiments.architectures import PLACEMENTS, Placement, shallow
from app.training.datasets import Dataset
from app.training.measures import evaluate
from app.training.precise import precise, with_statistics_of
from tests.training.looking import digits, network_of, state, unchanged

EPSILON = 1e-5


def norms_of(network: nn.Sequential) -> list[nn.BatchNorm2d]:
    return [module for module in network if isinstance(module, nn.BatchNorm2d)]


def moments_of(inputs: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Over all images and positions of all batches together, each channel's."""
    together = torch.cat(inputs)
    return together.mean((0, 2, 3)), together.var((0, 2, 3), correction=0)


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("size", [2, 5])
def test_the_statistics_are_those_taken_by_hand(
    dataset: Dataset, placement: Placement, size: int
) -> None:
    """Batch after batch, each normalised by its own moments; pooled over all of them."""
    network = network_of(shallow("batch", placement, 0.5))
    images, _ = digits(dataset, 20)
    renewed = with_statistics_of(network, torch.split(images, size))
    inputs: dict[int, list[Tensor]] = {}
    with torch.no_grad():
        for batch in torch.split(images, size):
            x = batch
            for place, layer in enumerate(network):
                if isinstance(layer, nn.BatchNorm2d):
                    inputs.setdefault(place, []).append(x)
                    mean = x.mean((0, 2, 3), keepdim=True)
                    variance = ((x - mean) ** 2).mean((0, 2, 3), keepdim=True)
                    x = 0.5 * (x - mean) / (variance + EPSILON).sqrt()
                else:
                    x = layer(x)
    expected = [moments_of(of_layer) for of_layer in inputs.values()]
    assert len(expected) == 2
    for norm, (mean, variance) in zip(norms_of(renewed), expected, strict=True):
        torch.testing.assert_close(norm.running_mean, mean, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(norm.running_var, variance, rtol=1e-10, atol=1e-12)


def test_the_accuracy_is_that_of_the_network_with_these_statistics(dataset: Dataset) -> None:
    """Forty images of forty-one: the one that makes no whole batch is left out."""
    network = network_of(shallow("batch", "after_pooling", 1.0))
    images, labels = digits(dataset, 41)
    renewed = with_statistics_of(network, torch.split(images[:40], 8)).eval()
    with torch.no_grad():
        right = (renewed(images).argmax(1) == labels).sum().item()
    measured = precise(network, images, 8, [(images, labels)])
    running = evaluate(network, [(images, labels)])["test_accuracy"]
    assert measured == {"precise_accuracy": right / 41, "precise_gain": right / 41 - running}
    assert measured["precise_gain"] != 0


def test_taking_them_leaves_the_network_as_it_was(dataset: Dataset) -> None:
    network = network_of(shallow("batch", "after_pooling", 1.0))
    images, labels = digits(dataset)
    F.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
    gradients = [p.grad.clone() for p in network.parameters() if p.grad is not None]
    before, random_state = state(network), torch.get_rng_state()
    precise(network, images, 4, [(images, labels)])
    assert unchanged(network, before)
    kept = [p.grad for p in network.parameters() if p.grad is not None]
    assert len(kept) == len(gradients) == 10
    assert all(torch.equal(a, b) for a, b in zip(gradients, kept, strict=True))
    assert torch.equal(random_state, torch.get_rng_state())
    assert all(module.training for module in network)


@pytest.mark.parametrize("norm", ["none", "group"])
def test_without_batchnorm_nothing_is_taken_and_nothing_changes(
    dataset: Dataset, norm: str
) -> None:
    network = network_of(shallow(norm, "after_pooling", 1.0))  # type: ignore[arg-type]
    images, labels = digits(dataset)
    plain = evaluate(network, [(images, labels)])["test_accuracy"]
    measured = precise(network, images, 4, [(images, labels)])
    assert measured == {"precise_accuracy": plain, "precise_gain": 0}
