"""A process made ready to train: one thread, a device, the data in memory, everything warm."""

import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import torch

import app
from app.errors import DeviceError, MemoryExceeded
from app.events import TrainingEvent
from app.experiments.catalogue.learning_rates import LEARNING_RATES
from app.experiments.definition import TrainingSpec
from app.measurements import Provenance
from app.training.batched import train_together
from app.training.datasets import Dataset, load_mnist
from app.training.in_turn import train_in_turn
from app.training.instructions import instruction_set
from app.training.loop import train


@dataclass(frozen=True, slots=True)
class Trainer:
    """Trains one network after another, each from nothing but its spec."""

    dataset: Dataset
    provenance: Provenance

    def train(self, spec: TrainingSpec) -> Iterator[TrainingEvent]:
        """See `training.loop.train`; for a spec with others beside it `training.in_turn`, or
        `training.together` if they are batched.

        Raises MemoryExceeded where there is too little of it.
        """
        train_spec = train_together if spec.batched else train_in_turn if spec.beside else train
        try:
            yield from train_spec(spec, self.dataset, self.provenance.device)
        except (MemoryError, RuntimeError) as error:
            if not _is_of_memory(error):
                raise
            raise MemoryExceeded("the machine or the device has too little memory") from None


def prepare(data_dir: Path, cache_dir: Path, device: str) -> Trainer:
    """A warm trainer; `device` is "auto", "cpu" or "cuda". Raises DatasetError
    or DeviceError.

    One thread a training: two trainings side by side beat one on two threads, and the
    numbers then don't depend on how many processors there are.
    """
    torch.set_num_threads(1)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    if device == "cuda" and not torch.cuda.is_available():
        raise DeviceError("there is no device 'cuda' here: set BATCHNORM_DEVICE to cpu or auto")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    trainer = Trainer(load_mnist(data_dir, cache_dir), _provenance(device))
    for spec in LEARNING_RATES.trainings(LEARNING_RATES.parse({"seed": 0, "steps": 10})):
        for _ in trainer.train(replace(spec, steps=2)):
            pass
    return trainer


def _is_of_memory(error: Exception) -> bool:
    """torch has an error of its own for CUDA alone."""
    named = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return named or "allocate memory" in str(error)


def _provenance(device: str) -> Provenance:
    return Provenance(
        device=device,
        hardware=torch.cuda.get_device_name() if device == "cuda" else _processor(),
        versions={
            "batchnorm": app.__version__,
            "python": platform.python_version(),
            "torch": version("torch"),
            "torchvision": version("torchvision"),
        },
        instruction_set=instruction_set(device),
    )


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
