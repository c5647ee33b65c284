import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.experiments.architectures import (
    PLACEMENTS,
    Architecture,
    Norm,
    Sigmoid,
    deep,
    dense,
    shallow,
)
from app.training.datasets import Dataset
from app.training.measures import (
    MEASURES,
    batch,
    covariate_shift,
    evaluate,
    evaluate_inputs,
    histogram,
    ics,
    loss,
    moments,
    shift,
)
from app.training.networks import build
from app.training.norms import at_step
from app.training.steps import Batch, Step, look
from tests.training.looking import digits, network_of, state, step_of, unchanged

NOISY = shallow("batch", "after_pooling", 1.0, noise=1.0)


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


@pytest.mark.parametrize("architecture", [shallow("none", "before_relu", 1.0), deep("batch", 3)])
def test_pooling_before_the_relu_gives_the_same_numbers(
    images: Tensor, labels: Tensor, architecture: Architecture
) -> None:
    network = build(architecture, 5).eval()
    with torch.no_grad():
        x, dead = images, []
        for layer in network:
            x = layer(x)
            if isinstance(layer, nn.ReLU):
                dead.append((x == 0).all(3).all(2).all(0))
    measured = evaluate(network, [(images, labels)])
    assert measured["dead_units"] == torch.cat(dead).float().mean().item()
    # The first convolution adds in another order: `app/training/fused_inference.py`.
    assert measured["test_loss"] == pytest.approx(F.cross_entropy(x, labels).item(), rel=1e-6)


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


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_percentiles_are_of_what_the_last_sigmoid_is_given_by_all_images_at_once(
    images: Tensor, labels: Tensor, norm: Norm
) -> None:
    network = build(dense(norm, (9, 7), Sigmoid(), 1.0), 5)
    measured = evaluate_inputs(network, in_chunks(images, labels, 20))
    with torch.no_grad():
        given = sorted(network[:-2](images)[:, 0].tolist())
    for percent in (15, 50, 85):
        below, between = divmod(percent / 100 * (len(given) - 1), 1)
        low, high = given[int(below) : int(below) + 2]
        expected = low + between * (high - low)
        assert measured[f"input_p{percent}"] == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_percentiles_leave_the_network_as_it_was(
    images: Tensor, labels: Tensor, training: bool
) -> None:
    network = build(dense("batch", (9, 7), Sigmoid(), 1.0), 5).train(training)
    before = state(network)
    first = evaluate_inputs(network, in_chunks(images, labels, 20))
    assert unchanged(network, before)
    assert [module.training for module in network] == [training] * len(network)
    assert first.items() >= evaluate(network, in_chunks(images, labels, 20)).items()
    assert evaluate_inputs(network, in_chunks(images, labels, 20)) == first


def test_the_batch_measure_is_the_steps_own(dataset: Dataset) -> None:
    images, labels = digits(dataset)
    step = step_of(NOISY, (images, labels))
    right = (network_of(NOISY)(images).argmax(1) == labels).sum().item()
    assert batch(step, None) == {"train_loss": step.loss, "train_accuracy": right / 20}
    assert loss(step, None) == {"train_loss": step.loss}


def test_moments_are_those_of_each_channel_over_images_and_positions() -> None:
    x = torch.tensor([[1.0, 3.0], [5.0, 5.0], [3.0, 1.0], [5.0, 5.0]]).reshape(2, 2, 1, 2)
    mean, variance = moments(x)
    assert mean.tolist() == [2, 5]
    assert variance.tolist() == [1, 0]


def with_inputs(step: Step, *inputs: Tensor) -> Step:
    return replace(step, inputs=inputs)


def test_a_shift_is_the_mean_over_channels_of_how_far_a_moment_moved(dataset: Dataset) -> None:
    step = step_of(NOISY, digits(dataset))
    first = torch.tensor([0.0, 2.0, 1.0, 1.0]).reshape(2, 2, 1, 1)  # means 0.5, 1.5
    second = torch.tensor([4.0, 2.0, 1.0, 0.0]).reshape(2, 2, 1, 1)  # means 2.5, 1
    far = torch.full_like(first, 9.0)
    before, now = with_inputs(step, far, first), with_inputs(step, -far, second)
    assert shift(now, before) == {
        # variances 0.25, 0.25 → 2.25, 1
        "mean_shift": pytest.approx((2.0 + 0.5) / 2),
        "variance_shift": pytest.approx((2.0 + 0.75) / 2),
    }


def test_there_is_no_shift_before_the_second_step(dataset: Dataset) -> None:
    assert shift(step_of(NOISY, digits(dataset)), None) == {}


def test_what_noise_adds_to_the_shift_is_seen(dataset: Dataset) -> None:
    """Behind the noise, not before it; the batches are the same, only the noise is new."""
    shifts = []
    for noise in (False, True):
        network = network_of(shallow("batch", "after_pooling", 1.0, noise=noise))
        steps = []
        for number in (1, 2):
            at_step(network, number)
            steps.append(look(network, digits(dataset), 0.1))
        shifts.append(shift(steps[1], steps[0])["mean_shift"])
    assert shifts[0] == 0
    assert shifts[1] == pytest.approx(1 / 3, rel=0.5)


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_the_first_layer_has_no_internal_covariate_shift(dataset: Dataset, norm: Norm) -> None:
    """Nothing lies below it."""
    step = step_of(shallow(norm, "after_pooling", 1.0), digits(dataset))
    assert ics(step, 0) == {"ics_distance": 0, "ics_cosine": pytest.approx(1)}


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("which", ["second convolution", "linear"])
def test_internal_covariate_shift_is_that_of_the_definition(
    dataset: Dataset, norm: Norm, which: str
) -> None:
    """Santurkar et al. 2018, Definition 2.1, done by hand on a second network."""
    images, labels = digits(dataset)
    architecture = shallow(norm, "after_pooling", 1.0)
    step = step_of(architecture, (images, labels), learning_rate=0.1)
    other = network_of(architecture)
    weighted = [i for i, m in enumerate(other) if isinstance(m, nn.Conv2d | nn.Linear)]
    layer = weighted[1 if which == "second convolution" else 2]
    with torch.no_grad():
        for name, parameter in other.named_parameters():
            if int(name.partition(".")[0]) < layer:
                parameter.sub_(step.gradients[name], alpha=0.1)
    torch.autograd.backward(F.cross_entropy(other(images), labels))
    ours = torch.cat([step.gradients[f"{layer}.{kind}"].flatten() for kind in ("weight", "bias")])
    theirs = torch.cat(
        [
            parameter.grad.flatten()
            for name, parameter in other.named_parameters()
            if name.startswith(f"{layer}.") and parameter.grad is not None
        ]
    )
    cosine = (ours @ theirs / ours.norm() / theirs.norm()).item()
    assert ics(step, layer) == {
        "ics_distance": pytest.approx((ours - theirs).norm().item()),
        "ics_cosine": pytest.approx(cosine),
    }
    assert ics(step, layer)["ics_distance"] > 0
    if which == "linear":
        assert covariate_shift(step, None).items() >= ics(step, layer).items()


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_over_all_layers_internal_covariate_shift_is_free_of_scale(
    dataset: Dataset, norm: Norm
) -> None:
    """Of two layers above the first: the mean distance over ‖G‖, and the mean cosine."""
    step = step_of(shallow(norm, "after_pooling", 1.0), digits(dataset))
    above = [place for place, m in enumerate(step.network) if isinstance(m, nn.Conv2d | nn.Linear)]
    found = covariate_shift(step, None)
    each = [ics(step, place) for place in above[1:]]
    lengths = [
        torch.cat([step.gradients[f"{place}.{kind}"].flatten() for kind in ("weight", "bias")])
        for place in above[1:]
    ]
    shares = [one["ics_distance"] / g.norm().item() for one, g in zip(each, lengths, strict=True)]
    assert len(shares) == 2
    assert found["ics_share"] == pytest.approx(sum(shares) / 2)
    assert found["ics_turn"] == pytest.approx(sum(one["ics_cosine"] for one in each) / 2)


def test_measuring_leaves_no_trace(dataset: Dataset) -> None:
    step = step_of(NOISY, digits(dataset))
    before = state(step.network)
    random_state = torch.get_rng_state()
    for measure in MEASURES.values():
        measure(step, step)
    assert unchanged(step.network, before)
    assert torch.equal(torch.get_rng_state(), random_state)


def test_a_histogram_counts_every_value_of_one_channel(dataset: Dataset) -> None:
    step = step_of(NOISY, digits(dataset))
    values = torch.zeros(2, 3, 1, 2)
    values[:, 0] = torch.tensor([[-100.0, 0.0], [0.01, 100.0]]).reshape(2, 1, 2)
    counts = histogram(with_inputs(step, values), None)["inputs"]
    assert sum(counts.values) == 4
    assert (counts.values[0], counts.values[-1]) == (1, 1)  # beyond the edges
    width = (counts.high - counts.low) / (len(counts.values) - 1)
    (where,) = (k for k, count in enumerate(counts.values) if count == 2)
    assert counts.low + where * width == pytest.approx(0, abs=0.1)
