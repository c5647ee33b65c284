"""The figure `learning-rates` as a PyTorch tutorial would write it: one plain loop after another.

No worker processes, default threads and memory format, the test images in one batch.
"""

import sys

import torch
import torch.nn.functional as F
from torch import nn

from app.settings import Settings
from app.training.datasets import load_mnist


def network(*, norm: bool) -> nn.Sequential:
    """The article's network, written out."""

    def block(inputs: int, outputs: int) -> list[nn.Module]:
        normalised = [nn.BatchNorm2d(outputs)] if norm else []
        return [nn.Conv2d(inputs, outputs, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), *normalised]

    return nn.Sequential(*block(1, 8), *block(8, 16), nn.Flatten(), nn.Linear(784, 10))


def main(seed: int) -> None:
    """Four trainings of 100 steps, tested on 1,000 images every second step."""
    settings = Settings()
    data = load_mnist(settings.data_dir, settings.cache_dir)
    train_images = data.train_images.float() / 255
    test_images, test_labels = data.test_images[::10].float() / 255, data.test_labels[::10]
    for rate in (0.1, 0.5):
        for norm in (False, True):
            torch.manual_seed(seed)
            model = network(norm=norm)
            optimiser = torch.optim.SGD(model.parameters(), lr=rate)
            for step in range(101):
                if step:
                    batch = torch.randint(len(train_images), (20,))
                    optimiser.zero_grad()
                    loss = F.cross_entropy(model(train_images[batch]), data.train_labels[batch])
                    loss.backward()  # type: ignore[no-untyped-call]
                    optimiser.step()
                if step % 2 == 0:
                    model.eval()
                    with torch.no_grad():
                        logits = model(test_images)
                        F.cross_entropy(logits, test_labels).item()
                        (logits.argmax(1) == test_labels).float().mean().item()
                    model.train()


if __name__ == "__main__":
    main(int(sys.argv[1]))
