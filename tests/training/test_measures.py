import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.architectures import PLACEMENTS, shallow
from app.training.datasets import Dataset
from app.training.measures import evaluate
from app.training.networks import build
from app.training.steps import Batch


@pytest.fixture
def images(dataset: Dataset) -> Tensor:
    return dataset.test_images[:60].float() / 255


@pytest.fixture
def labels(dataset: Dataset) -> Tensor:
    return dataset.test_labels[:60]


@pytest.fixture(params=PLACEMENTS)
def network(request: pytest.FixtureRequest, dataset: Dataset) -> nn.Sequential:
    """BatchNorm with running averages that have seen some batches."""
    built = build(shallow("batch", request.param, 1.0), 1)
    with torch.no_grad():
        for batch in torch.split(dataset.train_images[:200].float() / 255, 20):
            built(batch)
    return built


def in_chunks(images: Tensor, labels: Tensor, size: int) -> list[Batch]:
    return list(zip(torch.split(images, size), torch.split(labels, size), strict=True))


def test_loss_and_accuracy_are_those_of_plain_torch(
    network: nn.Sequential, images: Tensor, labels: Tensor
) -> None:
    plain = copy.deepcopy(network).eval()
    with torch.no_grad():
        logits = plain(images)
    measured = evaluate(network, in_chunks(images, labels, 20))
    assert measured["test_loss"] == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)
    right = (logits.argmax(1) == labels).sum().item()
    assert measured["test_accuracy"] == right / 60


def test_chunks_of_unequal_size_count_by_their_images(
    network: nn.Sequential, images: Tensor, labels: Tensor
) -> None:
    whole = evaluate(network, in_chunks(images, labels, 60))
    uneven = evaluate(network, in_chunks(images, labels, 50))
    assert uneven == pytest.approx(whole, rel=1e-5)


def test_an_image_is_judged_without_regard_to_its_batch_mates(
    network: nn.Sequential, images: Tensor, labels: Tensor
) -> None:
    """Running averages, never the batch's own statistics."""
    alone = evaluate(network, [(images[:1], labels[:1])])
    mates = torch.cat([images[:1], torch.full_like(images[1:], 9.0)])
    together = [
        F.cross_entropy(network.eval()(batch)[:1], labels[:1]).item() for batch in (images, mates)
    ]
    assert alone["test_loss"] == pytest.approx(together[0], rel=1e-4)
    assert alone["test_loss"] == pytest.approx(together[1], rel=1e-4)
    losses = [evaluate(network, [(images[i : i + 1], labels[i : i + 1])]) for i in range(60)]
    mean = sum(each["test_loss"] for each in losses) / 60
    assert mean == pytest.approx(evaluate(network, [(images, labels)])["test_loss"], rel=1e-4)


def test_evaluation_leaves_the_network_as_it_was(
    network: nn.Sequential, images: Tensor, labels: Tensor
) -> None:
    network(images).sum().backward()
    before = copy.deepcopy(network.state_dict())
    gradients = [p.grad.clone() for p in network.parameters() if p.grad is not None]
    random_state = torch.get_rng_state()
    evaluate(network, in_chunks(images, labels, 20))
    after = network.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
    kept = [p.grad for p in network.parameters() if p.grad is not None]
    assert all(torch.equal(a, b) for a, b in zip(gradients, kept, strict=True))
    assert torch.equal(random_state, torch.get_rng_state())
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("training", [True, False])
def test_evaluation_leaves_the_mode_as_it_was(
    network: nn.Sequential, images: Tensor, labels: Tensor, training: bool
) -> None:
    network.train(training)
    evaluate(network, in_chunks(images, labels, 20))
    assert [module.training for module in network] == [training] * len(network)


def test_evaluation_leaves_the_images_as_they_were(
    network: nn.Sequential, images: Tensor, labels: Tensor
) -> None:
    before = images.clone()
    evaluate(network, in_chunks(images, labels, 20))
    assert torch.equal(images, before)


def channels(*biases: float) -> nn.Conv2d:
    """A 1×1 convolution that hands each channel the picture plus its bias."""
    layer = nn.Conv2d(1, len(biases), 1)
    nn.init.ones_(layer.weight)
    layer.bias = nn.Parameter(torch.tensor(biases))
    return layer


def classifier(inputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, 10))


def test_dead_units_are_the_channels_that_are_zero_everywhere() -> None:
    """Pixels in 0…1: a bias of −2 kills a channel, one of −0.5 leaves it the bright pixels."""
    network = nn.Sequential(channels(0.0, -2.0, -0.5, -2.0), nn.ReLU(), *classifier(16))
    picture = torch.tensor([0.0, 0.2, 0.4, 1.0]).reshape(1, 1, 2, 2)
    assert evaluate(network, [(picture, torch.tensor([0]))])["dead_units"] == 0.5


def test_a_channel_that_lives_for_one_image_of_one_chunk_is_alive() -> None:
    network = nn.Sequential(channels(-0.5, -2.0), nn.ReLU(), *classifier(8))
    dark, bright = torch.zeros(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
    label = torch.tensor([0])
    assert evaluate(network, [(dark, label)])["dead_units"] == 1.0
    assert evaluate(network, [(dark, label), (dark, label), (bright, label)])["dead_units"] == 0.5
    assert evaluate(network, [(torch.cat([dark, bright]), label.repeat(2))])["dead_units"] == 0.5


def test_dead_units_are_counted_over_all_convolutions() -> None:
    second = nn.Conv2d(2, 2, 1)
    nn.init.zeros_(second.weight)
    second.bias = nn.Parameter(torch.tensor([1.0, -1.0]))
    network = nn.Sequential(channels(0.0, 0.0), nn.ReLU(), second, nn.ReLU(), *classifier(8))
    picture = torch.ones(1, 1, 2, 2)
    assert evaluate(network, [(picture, torch.tensor([0]))])["dead_units"] == 0.25
