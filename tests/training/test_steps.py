import pytest
import torch
import torch.nn.functional as F
from torch import nn

from app.experiments.architectures import NORMS, Architecture, deep, shallow
from app.training.datasets import Dataset
from app.training.measures import moments
from app.training.norms import at_step
from app.training.steps import flat, look, one_hot_error, update
from tests.training.looking import digits, network_of, state, step_of, unchanged

NOISY = shallow("batch", "after_pooling", 1.0, noise=1.0)

every_architecture = pytest.mark.parametrize(
    "architecture",
    [*(shallow(norm, "after_pooling", 0.5) for norm in NORMS), NOISY, deep("batch", 3)],
    ids=lambda architecture: "-".join(type(layer).__name__ for layer in architecture),
)


@every_architecture
def test_loss_outputs_and_gradients_are_those_of_plain_torch(
    dataset: Dataset, architecture: Architecture
) -> None:
    images, labels = digits(dataset)
    step = step_of(architecture, (images, labels))
    network = network_of(architecture)
    logits = network(images)
    loss = F.cross_entropy(logits, labels)
    torch.autograd.backward(loss)
    assert step.loss == pytest.approx(loss.item(), rel=1e-12)
    assert torch.equal(step.outputs, logits)
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(step.gradients[name], parameter.grad)


@every_architecture
def test_a_look_elsewhere_leaves_no_trace(dataset: Dataset, architecture: Architecture) -> None:
    step = step_of(architecture, digits(dataset))
    before = state(step.network)
    random_state = torch.get_rng_state()
    loss, gradients = step.at(step.moved(0.3))
    assert unchanged(step.network, before)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert all(parameter.grad is None for parameter in step.network.parameters())
    assert step.at(step.moved(0.3))[0] == loss
    assert loss != step.loss
    assert not torch.equal(flat(gradients), flat(step.gradients))


@every_architecture
def test_a_look_at_where_one_stands_sees_the_step_itself(
    dataset: Dataset, architecture: Architecture
) -> None:
    """Same mini-batch, same statistics, same noise."""
    step = step_of(architecture, digits(dataset))
    loss, gradients = step.at(step.parameters)
    assert loss == step.loss
    torch.testing.assert_close(flat(gradients), flat(step.gradients), rtol=0, atol=0)


def test_noise_is_fresh_at_the_next_step(dataset: Dataset) -> None:
    network, batch = network_of(NOISY), digits(dataset)
    at_step(network, 1)
    first = look(network, batch, 0.1).loss
    at_step(network, 2)
    assert look(network, batch, 0.1).loss != first
    at_step(network, 1)
    assert look(network, batch, 0.1).loss == first


@every_architecture
def test_an_update_is_the_step_that_moved_foretells(
    dataset: Dataset, architecture: Architecture
) -> None:
    step = step_of(architecture, digits(dataset), learning_rate=0.2)
    foretold = step.moved(0.2)
    assert step.at(step.moved(0.001))[0] < step.loss  # downhill
    update(step)
    for name, parameter in step.network.named_parameters():
        torch.testing.assert_close(parameter.detach(), foretold[name])


def test_the_inputs_are_what_enters_each_layer_with_weights_but_the_first(
    dataset: Dataset,
) -> None:
    images, labels = digits(dataset)
    step = step_of(NOISY, (images, labels))
    assert [tuple(x.shape) for x in step.inputs] == [(20, 8, 14, 14), (20, 16, 7, 7)]
    network = network_of(NOISY)
    x, entering = images, []
    for layer in network:
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            entering.append(x.reshape(20, -1))
        x = layer(x)
    for seen, expected in zip(step.inputs, entering[1:], strict=True):
        torch.testing.assert_close(seen.reshape(20, -1), expected)


def test_normalised_inputs_have_mean_0_and_variance_1_up_to_epsilon(dataset: Dataset) -> None:
    images, labels = digits(dataset)
    network = network_of(shallow("batch", "after_pooling", 1.0))
    entering: list[torch.Tensor] = []
    for norm in network:
        if isinstance(norm, nn.BatchNorm2d):
            norm.register_forward_pre_hook(lambda _, inputs: entering.append(inputs[0]))
    step = look(network, (images, labels), 0.1)
    assert len(entering) == len(step.inputs) == 2
    for before, behind in zip(entering, step.inputs, strict=True):
        _, variance = moments(before)
        mean, normalised = moments(behind)
        assert mean.abs().max() < 1e-9
        torch.testing.assert_close(normalised, variance / (variance + 1e-5))


def test_the_one_hot_error_is_half_the_squared_distance_averaged_over_examples() -> None:
    outputs = torch.tensor([[0.0, 1.0, 0.0], [1.0, 0.0, 2.0]])
    assert one_hot_error(outputs, torch.tensor([1, 0])).item() == 0.5 * (0 + 4) / 2


@pytest.mark.parametrize("share", [0.5, 2.0])
def test_an_update_is_no_longer_than_it_may_be(dataset: Dataset, share: float) -> None:
    """Along the same direction: only the length of a gradient that is too long changes."""
    step = step_of(shallow("none", "after_pooling", 1.0), digits(dataset))
    gradient, before = flat(step.gradients), flat(step.parameters).detach().clone()
    update(step, longest=share * gradient.norm().item())
    torch.testing.assert_close(before - flat(step.parameters), 0.1 * min(1, share) * gradient)
