import math
from functools import partial
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from app.experiments.architectures import BatchNorm, GroupNorm, deep, shallow
from app.training.datasets import Dataset
from app.training.networks import build
from app.training.norms import (
    EPSILON,
    DetachedBatchNorm,
    FrozenBatchNorm,
    HalfBatchNorm,
    LpNorm,
    Noise,
    at_step,
    average_norm,
)
from app.training.steps import look
from tests.training.looking import digits, network_of, step_of

POWERS = (1.0, 2.0, math.inf)


@pytest.fixture
def batch() -> Tensor:
    """Three channels, far from 0 and of different widths."""
    drawn = torch.randn(20, 3, 5, 5, generator=torch.Generator().manual_seed(1)).double()
    return drawn * torch.tensor([0.5, 2.0, 1.0]).reshape(1, 3, 1, 1) + 3


def test_average_norms_are_those_of_the_definition() -> None:
    x = torch.tensor([3.0, -4.0, 0.0, 0.0]).reshape(4, 1, 1, 1)
    assert average_norm(x, 1.0).item() == pytest.approx(7 / 4)
    assert average_norm(x, 2.0).item() == pytest.approx(math.sqrt(25 / 4), rel=1e-6)
    assert average_norm(x, math.inf).item() == 4


def test_a_norm_that_is_not_defined_is_refused() -> None:
    with pytest.raises(ValueError, match="p = 3"):
        average_norm(torch.ones(1, 1, 1, 1), 3.0)


@pytest.mark.parametrize("power", POWERS)
def test_the_mean_goes_and_the_norm_before_it_divides(batch: Tensor, power: float) -> None:
    """The norm is that of the batch as it came, not of the centred one."""
    normalised = LpNorm(3, power).double()(batch)
    divisor = average_norm(batch, power) + EPSILON
    expected = (batch - batch.mean((0, 2, 3), keepdim=True)) / divisor.reshape(1, 3, 1, 1)
    torch.testing.assert_close(normalised, expected)
    assert normalised.mean((0, 2, 3)).abs().max() < 1e-12
    if power == 2.0:  # the three are far from 0: their norm is far more than their deviation
        assert (normalised.var((0, 2, 3)) < 0.5).all()


def test_the_l2_norm_of_a_centred_batch_is_batchnorm(batch: Tensor) -> None:
    centred = batch - batch.mean((0, 2, 3), keepdim=True)
    ours = LpNorm(3, 2.0).double()(centred)
    torch.testing.assert_close(ours, nn.BatchNorm2d(3).double()(centred), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("power", POWERS)
def test_gamma_and_beta_scale_and_shift(batch: Tensor, power: float) -> None:
    norm = LpNorm(3, power).double()
    plain = norm(batch)
    nn.init.constant_(norm.weight, 2.0)
    nn.init.constant_(norm.bias, -1.0)
    torch.testing.assert_close(norm(batch), 2 * plain - 1)


@pytest.mark.parametrize("power", POWERS)
def test_evaluation_uses_the_running_averages_alone(batch: Tensor, power: float) -> None:
    norm = LpNorm(3, power).double()
    for _ in range(200):  # until the averages are the batch's own statistics
        trained = norm(batch)
    norm.eval()
    torch.testing.assert_close(norm(batch), trained, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(norm(batch[:1]), norm(batch)[:1])


@pytest.mark.parametrize("power", POWERS)
def test_a_channel_that_is_zero_everywhere_stays_finite(power: float) -> None:
    x = torch.zeros(4, 2, 3, 3, requires_grad=True)
    y = LpNorm(2, power)(x)
    assert not y.any()
    (slope,) = torch.autograd.grad(y.sum() + y.square().sum(), x)
    assert slope.isfinite().all()


def test_batchnorm_is_the_formula_of_the_paper(batch: Tensor) -> None:
    """Ioffe and Szegedy 2015, Algorithm 1, against the layer that the networks have."""
    norm = nn.BatchNorm2d(3).double()
    nn.init.constant_(norm.weight, 0.7)
    nn.init.constant_(norm.bias, 0.2)
    mean = batch.mean((0, 2, 3), keepdim=True)
    variance = (batch - mean).square().mean((0, 2, 3), keepdim=True)
    expected = 0.7 * (batch - mean) / (variance + norm.eps).sqrt() + 0.2
    torch.testing.assert_close(norm(batch), expected, rtol=0, atol=1e-6)


def test_batchnorm_in_testing_is_the_formula_with_running_averages(batch: Tensor) -> None:
    """That take in a tenth of each batch's mean, and of its variance over m − 1."""
    (norm,) = build((BatchNorm(0.5),), seed=0, input_shape=(3, 5, 5)).double()
    mean, variance = torch.zeros(3).double(), torch.ones(3).double()
    for shift in (0.0, 1.0, -2.0):
        norm(batch + shift)
        mean = 0.9 * mean + 0.1 * (batch.mean((0, 2, 3)) + shift)
        variance = 0.9 * variance + 0.1 * batch.var((0, 2, 3), correction=1)
    mean, variance = mean.reshape(1, 3, 1, 1), variance.reshape(1, 3, 1, 1)
    expected = 0.5 * (batch - mean) / (variance + 1e-5).sqrt()
    torch.testing.assert_close(norm.eval()(batch), expected, rtol=1e-12, atol=1e-12)


def test_group_norm_takes_its_statistics_within_one_example(batch: Tensor) -> None:
    """Wu and He 2018, §3.1, against the layer that the networks have."""
    x = torch.cat([batch, 2 * batch - 1, batch.square()], dim=1)[:, :8]
    (norm,) = build((GroupNorm(4, 0.5),), seed=0, input_shape=(8, 5, 5)).double()
    groups = x.reshape(20, 4, 50)
    mean = groups.mean(2, keepdim=True)
    variance = (groups - mean).square().mean(2, keepdim=True)
    expected = 0.5 * ((groups - mean) / (variance + 1e-5).sqrt()).reshape(x.shape)
    torch.testing.assert_close(norm(x), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(norm(x[:1]), expected[:1], rtol=1e-12, atol=1e-12)


def test_gamma_as_the_deviation_and_beta_as_the_mean_undo_batchnorm(batch: Tensor) -> None:
    norm = nn.BatchNorm2d(3).double()
    with torch.no_grad():
        norm.weight.copy_((batch.var((0, 2, 3), correction=0) + norm.eps).sqrt())
        norm.bias.copy_(batch.mean((0, 2, 3)))
    torch.testing.assert_close(norm(batch), batch)


def test_under_batchnorm_the_gradient_is_orthogonal_to_the_weights(dataset: Dataset) -> None:
    """Filter by filter, because the output does not depend on a filter's length."""
    batch = digits(dataset)
    normed = step_of(shallow("batch", "before_relu", 1.0), batch)
    plain = step_of(shallow("none", "before_relu", 1.0), batch)

    def cosine(weights: Tensor, gradients: Tensor) -> float:
        return torch.cosine_similarity(weights.flatten(1), gradients.flatten(1)).abs().max().item()

    for name in ("0.weight", "4.weight"):
        assert cosine(normed.parameters[name], normed.gradients[name]) < 1e-2
    assert cosine(plain.parameters["0.weight"], plain.gradients["0.weight"]) > 0.1


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_scaled_weights_leave_the_output_and_shrink_the_gradient(
    dataset: Dataset, scale: float
) -> None:
    """W → cW (van Laarhoven 2017, §2): the same function, the gradient over c."""
    images, labels = digits(dataset)
    network = network_of(deep("batch", 3))
    for norm in network:
        if isinstance(norm, nn.BatchNorm2d):
            norm.eps = 1e-20  # the identity is exact without it
    step = look(network, (images, labels), 0.1)
    scaled = {name: value.detach().clone() for name, value in step.parameters.items()}
    scaled["0.weight"] *= scale
    scaled["0.bias"] *= scale
    loss, gradients = step.at(scaled)
    assert loss == pytest.approx(step.loss, rel=1e-9)
    torch.testing.assert_close(gradients["0.weight"] * scale, step.gradients["0.weight"])


def gradient_norms(m: int) -> tuple[Tensor, Tensor, Tensor, float]:
    """‖∇_y L̂‖² of one unit before its norm; then the terms of Theorem 4.1 behind it."""
    source = torch.Generator().manual_seed(m)
    y = (3 * torch.randn(m, generator=source).double() + 1).requires_grad_()
    gamma = 1.7
    variance, mean = torch.var_mean(y, correction=0)
    normalised = (y - mean) / variance.sqrt()
    z = gamma * normalised
    loss = (torch.sin(z) * torch.arange(m)).sum() + z.pow(3).sum()
    before, behind = torch.autograd.grad(loss, (y, z))
    factor = (gamma**2 / variance).item()
    return before, behind, normalised.detach(), factor


@pytest.mark.parametrize("m", [4, 20, 100])
def test_the_gradient_identity_of_theorem_4_1_has_one_over_m(m: int) -> None:
    """Santurkar et al. 2018, Theorem 4.1, at ε = 0. The paper prints 1/√m in its last term."""
    before, behind, normalised, factor = gradient_norms(m)

    def identity(share: float) -> float:
        terms = behind.square().sum() - behind.sum() ** 2 / m - share * (behind @ normalised) ** 2
        return factor * terms.item()

    assert identity(1 / m) == pytest.approx(before.square().sum().item(), rel=1e-9)
    assert identity(1 / math.sqrt(m)) != pytest.approx(before.square().sum().item(), rel=1e-3)


def noise(step: int, images: int = 400) -> Tensor:
    """What two hundred channels of zeros and of ones become."""
    layer = Noise(seed=1, layer=4)
    layer.step = step
    return torch.stack([layer(torch.full((images, 200, 1, 1), value)) for value in (0.0, 1.0)])


def test_the_noise_has_the_distribution_of_the_paper() -> None:
    """Santurkar et al. 2018, Algorithm 1, with its amounts from Appendix A."""
    shift, moved = noise(step=3)[:, :, :, 0, 0]
    means = shift.mean(0)
    assert means.min() > -0.52
    assert means.max() < 0.52
    assert means.std() == pytest.approx(1 / math.sqrt(12), rel=0.15)
    assert (shift - means).abs().max() < 0.12
    assert (shift - means).std() == pytest.approx(0.2 / math.sqrt(12), rel=0.05)
    scale = moved - shift
    assert scale.mean(0).min() > 0.98
    assert scale.mean(0).max() < 1.27
    assert scale.mean() == pytest.approx(1.125, abs=0.02)
    assert (scale - scale.mean(0)).std() == pytest.approx(0.1, rel=0.05)


def test_the_noise_of_a_step_is_drawn_anew() -> None:
    assert torch.equal(noise(3), noise(3))
    assert not torch.isclose(noise(3).mean((1, 3, 4)), noise(4).mean((1, 3, 4))).any(1).all()
    # Two fresh uniforms are a third apart on average.
    apart = (noise(3)[0].mean((0, 2, 3)) - noise(4)[0].mean((0, 2, 3))).abs().mean()
    assert apart == pytest.approx(1 / 3, rel=0.2)


def means_over_time(memory: int, channels: int = 50, steps: int = 300) -> Tensor:
    """The shift of each channel, step after step: (steps, channels)."""
    layer = Noise(seed=1, layer=4, memory=memory)
    means = []
    for layer.step in range(0, steps, 3):
        means.append(layer(torch.zeros(4, channels, 10, 10)).mean((0, 2, 3)))
    return torch.stack(means)


@pytest.mark.parametrize("memory", [1, 3, 30])
def test_noise_with_memory_keeps_its_size_and_forgets_in_time(memory: int) -> None:
    """Three steps on, (1 − 1/memory)³ of the shift is left; its deviation is that of U(−½, ½)."""
    means = means_over_time(memory)
    assert means.std() == pytest.approx(1 / math.sqrt(12), rel=0.2)
    correlation = torch.corrcoef(torch.stack([means[:-1].flatten(), means[1:].flatten()]))[0, 1]
    assert correlation == pytest.approx((1 - 1 / memory) ** 3, abs=0.1)


def test_noise_with_memory_is_a_function_of_its_step() -> None:
    """Whatever was asked for before: a probe may look back."""
    x = torch.zeros(4, 3, 2, 2)
    forwards: dict[int, Tensor] = {}
    backwards: dict[int, Tensor] = {}
    for found, order in ((forwards, range(9)), (backwards, reversed(range(9)))):
        layer = Noise(seed=1, layer=4, memory=5)
        for layer.step in order:
            found[layer.step] = layer(x)
    assert all(torch.equal(forwards[step], backwards[step]) for step in range(9))


def test_layers_and_seeds_have_noise_of_their_own() -> None:
    x = torch.zeros(5, 3, 2, 2)
    drawn = [Noise(seed, layer)(x) for seed in (1, 2) for layer in (4, 9)]
    assert len({values.sum().item() for values in drawn}) == 4


def test_noise_stays_on_in_evaluation(dataset: Dataset) -> None:
    network = network_of(shallow("none", "after_pooling", 1.0, noise=1.0)).eval()
    images, _ = digits(dataset)
    with torch.no_grad():
        first = network(images)
        at_step(network, 1)
        assert not torch.equal(network(images), first)


def test_noise_that_an_evaluation_met_first_lets_gradients_pass() -> None:
    """Both meet the very same numbers where a mini-batch is as large as a chunk of test images."""
    noise, x = Noise(seed=1, layer=2), torch.ones(5, 3, 2, 2, requires_grad=True)
    with torch.inference_mode():
        met = noise(x)
    (gradient,) = torch.autograd.grad(noise(x).sum(), x)
    assert torch.equal(noise(x), met)
    assert gradient.std() > 0


def pair_of_norms(channels: int) -> tuple[nn.BatchNorm2d, DetachedBatchNorm]:
    """BatchNorm and the one with detached statistics, γ and β alike and away from 1 and 0."""
    pair = nn.BatchNorm2d(channels), DetachedBatchNorm(channels)
    for norm in pair:
        nn.init.uniform_(norm.weight, 0.5, 2, generator=torch.Generator().manual_seed(2))
        nn.init.uniform_(norm.bias, -1, 1, generator=torch.Generator().manual_seed(3))
    return pair


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_forward_detached_statistics_are_batchnorms_to_the_last_bit(
    batch: Tensor, dtype: torch.dtype, layout: torch.memory_format
) -> None:
    ours, detached = (norm.to(dtype) for norm in pair_of_norms(3))
    for shift in (0.0, 1.0, -2.0):
        x = (batch + shift).to(dtype).contiguous(memory_format=layout)
        assert torch.equal(ours(x), detached(x))
    for average, other in zip(ours.buffers(), detached.buffers(), strict=True):
        assert torch.equal(average, other)
    assert torch.equal(ours.eval()(x), detached.eval()(x))


def test_a_whole_network_with_detached_statistics_has_batchnorms_loss(dataset: Dataset) -> None:
    images, labels = digits(dataset)
    ours, detached = (
        look(build(deep(norm, 6), seed=1), (images.float(), labels), 0.1)
        for norm in ("batch", "detached")
    )
    assert torch.equal(ours.outputs, detached.outputs)
    assert ours.loss == detached.loss
    assert all(map(torch.equal, ours.inputs, detached.inputs))


def test_backward_detached_statistics_leave_out_two_terms_and_nothing_else(batch: Tensor) -> None:
    """Channel by channel, with m values each: γ/σ·(g − mean(g) − x̂·mean(g·x̂)) against γ/σ·g."""
    norms = [norm.double() for norm in pair_of_norms(3)]
    g = torch.randn(batch.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    found = []
    for norm in norms:
        x = batch.clone().requires_grad_()
        found.append(torch.autograd.grad(norm(x), (x, norm.weight, norm.bias), g))
    (ours, *ours_own), (detached, *detached_own) = found

    places = (0, 2, 3)
    variance, mean = torch.var_mean(batch, places, correction=0, keepdim=True)
    deviation = (variance + norms[0].eps).sqrt()
    normalised = (batch - mean) / deviation
    factor = norms[0].weight.detach().reshape(1, 3, 1, 1) / deviation
    of_the_mean = factor * g.mean(places, keepdim=True)
    along = factor * normalised * (g * normalised).mean(places, keepdim=True)
    assert_close = partial(torch.testing.assert_close, rtol=1e-12, atol=1e-12)
    assert_close(detached, factor * g)
    assert_close(detached - ours, of_the_mean + along)
    assert_close(ours_own, detached_own)


def test_the_gradient_of_detached_statistics_keeps_what_lengthens_the_weights(
    dataset: Dataset,
) -> None:
    """BatchNorm's own is orthogonal to a filter, since the output does not depend on its length."""
    step = step_of(deep("detached", 3), digits(dataset))
    weights, gradients = (each["4.weight"].flatten(1) for each in (step.parameters, step.gradients))
    assert torch.cosine_similarity(weights, gradients).abs().max() > 0.1


def test_the_two_halves_of_batchnorm_make_it_whole(batch: Tensor) -> None:
    """Less the mean, then over the deviation, which centring does not change."""
    centred = HalfBatchNorm(3, "mean").double()(batch)
    whole = HalfBatchNorm(3, "deviation").double()(centred)
    torch.testing.assert_close(whole, nn.BatchNorm2d(3).double()(batch))


@pytest.mark.parametrize("half", ["mean", "deviation"])
def test_a_half_is_tested_with_batchnorms_running_averages(
    batch: Tensor, half: Literal["mean", "deviation"]
) -> None:
    ours, whole = HalfBatchNorm(3, half).double(), nn.BatchNorm2d(3).double()
    for norm in (ours, whole):
        for shift in (0.0, 1.0, -2.0):
            norm(batch + shift)
        norm.eval()
    assert whole.running_mean is not None
    assert whole.running_var is not None
    torch.testing.assert_close(ours.running_mean, whole.running_mean)
    torch.testing.assert_close(ours.running_var, whole.running_var)
    mean, variance = (v.reshape(1, 3, 1, 1) for v in (whole.running_mean, whole.running_var))
    expected = batch - mean if half == "mean" else batch / (variance + EPSILON).sqrt()
    torch.testing.assert_close(ours(batch), expected)


def test_frozen_statistics_are_those_of_the_first_batch(batch: Tensor) -> None:
    """Also when it is tested; a test before the first batch leaves none."""
    frozen = FrozenBatchNorm(3).double().eval()
    frozen(batch + 7)
    torch.testing.assert_close(frozen.train()(batch), nn.BatchNorm2d(3).double()(batch))
    mean = batch.mean((0, 2, 3), keepdim=True)
    variance = batch.var((0, 2, 3), correction=0, keepdim=True)
    expected = (2 * batch - mean) / (variance + EPSILON).sqrt()
    torch.testing.assert_close(frozen(2 * batch), expected)
    torch.testing.assert_close(frozen.eval()(2 * batch), expected)


def test_a_frozen_network_is_batchnorms_before_its_first_step(dataset: Dataset) -> None:
    images, labels = digits(dataset)
    ours, frozen = (step_of(deep(norm, 3), (images, labels)) for norm in ("batch", "frozen"))
    torch.testing.assert_close(frozen.outputs, ours.outputs)
