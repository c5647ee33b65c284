import pytest
import torch
from torch import Tensor, nn

from app.experiments.architectures import Placement, shallow
from app.experiments.catalogue.learning_rates import LEARNING_RATES
from app.training.networks import build


def weights(network: nn.Sequential) -> list[Tensor]:
    """Of convolutions and linear layers, in their order."""
    return [module.weight for module in network if isinstance(module, nn.Conv2d | nn.Linear)]


def arms(seed: int) -> dict[str, nn.Sequential]:
    request = LEARNING_RATES.parse({"seed": seed})
    return {
        spec.arm: build(spec.architecture, spec.seed) for spec in LEARNING_RATES.trainings(request)
    }


def test_weights_start_as_the_description_says() -> None:
    """Over 30 networks: N(0, 0.1²) for convolutions, N(0, (1/28)²) for the linear layer."""
    networks = [build(shallow("none", "after_pooling", 0.1), seed) for seed in range(30)]
    drawn = [torch.stack(layer).detach() for layer in zip(*map(weights, networks), strict=True)]
    for of_layer, std in zip(drawn, [0.1, 0.1, 1 / 28], strict=True):
        # 6,000 values or more: the standard error of the std is below 1 %.
        assert of_layer.std().item() == pytest.approx(std, rel=0.04)
        assert abs(of_layer.mean().item()) < 0.06 * std


def test_every_layer_has_biases_that_start_at_zero_in_every_arm() -> None:
    for network in arms(1).values():
        layers = [module for module in network if isinstance(module, nn.Conv2d | nn.Linear)]
        assert len(layers) == 3
        for layer in layers:
            assert layer.bias is not None
            assert layer.bias.requires_grad
            assert not layer.bias.any()


@pytest.mark.parametrize("gamma0", [0.1, 1.0])
def test_gamma_starts_where_it_is_told_and_beta_at_zero(gamma0: float) -> None:
    network = build(shallow("batch", "after_pooling", gamma0), 0)
    norms = [module for module in network if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 2
    for norm in norms:
        assert torch.equal(norm.weight, torch.full_like(norm.weight, gamma0))
        assert not norm.bias.any()
        assert norm.weight.requires_grad
        assert norm.bias.requires_grad


@pytest.mark.parametrize(
    ("placement", "block"),
    [
        ("before_relu", [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d]),
        ("after_pooling", [nn.Conv2d, nn.ReLU, nn.MaxPool2d, nn.BatchNorm2d]),
    ],
)
def test_batchnorm_is_built_where_it_is_placed(
    placement: Placement, block: list[type[nn.Module]]
) -> None:
    network = build(shallow("batch", placement, 0.1), 0)
    assert [type(module) for module in network] == [*block, *block, nn.Flatten, nn.Linear]


def test_arms_of_a_seed_start_from_the_same_weights_with_and_without_batchnorm() -> None:
    first, *others = arms(1).values()
    for other in others:
        for ours, theirs in zip(weights(first), weights(other), strict=True):
            assert torch.equal(ours, theirs)


def test_other_seeds_start_from_other_weights() -> None:
    for ours, theirs in zip(weights(arms(1)["cnn@0.1"]), weights(arms(2)["cnn@0.1"]), strict=True):
        assert not torch.equal(ours, theirs)


def test_the_weights_do_not_depend_on_the_global_random_state() -> None:
    before = torch.get_rng_state()
    build(shallow("batch", "before_relu", 0.1), 0)
    # torch's own initialisation, which ours overwrites, may draw; what counts is ours.
    again = build(shallow("batch", "before_relu", 0.1), 0)
    torch.manual_seed(123)
    once_more = build(shallow("batch", "before_relu", 0.1), 0)
    torch.set_rng_state(before)
    for ours, theirs in zip(again.parameters(), once_more.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_batch_becomes_logits() -> None:
    network = build(shallow("batch", "after_pooling", 0.1), 0)
    assert network.training
    assert network(torch.rand(3, 1, 28, 28)).shape == (3, 10)


def test_an_activation_behind_batchnorm_is_normalised() -> None:
    """γ₀ = 1, before ReLU: each channel has mean 0 and variance 1 over the batch."""
    network = build(shallow("batch", "before_relu", 1.0), 0)
    out = network[:2](torch.rand(50, 1, 28, 28))
    assert out.mean((0, 2, 3)).abs().max().item() < 1e-5
    assert out.var((0, 2, 3), correction=0).sub(1).abs().max().item() < 1e-2


def test_groupnorm_gives_each_group_of_each_image_mean_0_and_variance_1() -> None:
    network = build(shallow("group", "after_pooling", 1.0), 1)
    groups = [module for module in network if isinstance(module, nn.GroupNorm)]
    assert [(norm.num_groups, norm.num_channels) for norm in groups] == [(4, 8), (4, 16)]
    place = list(network).index(groups[1])
    images = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        normed = network[: place + 1](images).reshape(3, 4, -1)
        alone = network[: place + 1](images[:1]).reshape(1, 4, -1)
    torch.testing.assert_close(normed.mean(2), torch.zeros(3, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(normed.var(2, correction=0), torch.ones(3, 4), atol=1e-2, rtol=0)
    torch.testing.assert_close(alone, normed[:1])  # whatever its batch mates are
