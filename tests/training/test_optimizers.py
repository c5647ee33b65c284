import pytest
import torch
import torch.nn.functional as F
from torch import nn

from app.experiments.architectures import shallow
from app.training.datasets import Dataset
from app.training.optimizers import OPTIMIZERS
from app.training.steps import look
from tests.training.looking import digits, network_of

ARCHITECTURE = shallow("batch", "after_pooling", 0.1)


def torchs_own(name: str, network: nn.Module) -> torch.optim.Optimizer:
    match name:
        case "adam":
            return torch.optim.Adam(network.parameters(), lr=0.03)
        case _:
            momentum = 0.9 if name == "momentum" else 0
            return torch.optim.SGD(network.parameters(), lr=0.03, momentum=momentum)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("longest", [0, 0.5])
def test_it_takes_the_steps_of_torchs_own(dataset: Dataset, name: str, longest: float) -> None:
    """Five steps, on another mini-batch each."""
    ours, theirs = network_of(ARCHITECTURE), network_of(ARCHITECTURE)
    descend, optimizer = OPTIMIZERS[name](longest), torchs_own(name, theirs)
    for number in range(5):
        images, labels = digits(dataset, first=20 * number)
        descend(look(ours, (images, labels), 0.03))
        optimizer.zero_grad()
        torch.autograd.backward(F.cross_entropy(theirs(images), labels))
        if longest:
            nn.utils.clip_grad_norm_(theirs.parameters(), longest)
        optimizer.step()
    for parameter, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(parameter, expected, rtol=1e-5, atol=1e-7)
