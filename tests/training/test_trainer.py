import platform
from pathlib import Path

import pytest
import torch

import app
from app.errors import BatchNormError, DatasetError
from app.experiments.definition import TrainingSpec
from app.training.loop import train
from app.training.trainer import Trainer, prepare
from tests.conftest import DATA_DIR


def test_a_trainer_says_on_what_its_numbers_are_measured(trainer: Trainer) -> None:
    provenance = trainer.provenance
    assert provenance.device == "cpu"
    assert provenance.hardware
    assert provenance.versions["batchnorm"] == app.__version__
    assert provenance.versions["python"] == platform.python_version()
    assert provenance.versions["torch"] == torch.__version__.partition("+")[0]
    assert provenance.versions["torchvision"]


def test_a_trainer_trains_on_one_thread(trainer: Trainer) -> None:
    assert torch.get_num_threads() == 1


def test_a_trainer_trains_as_the_loop_does(
    trainer: Trainer, specs: dict[str, TrainingSpec]
) -> None:
    spec = specs["bn@0.1"]
    assert list(trainer.train(spec)) == list(train(spec, trainer.dataset))


def test_no_trainer_comes_of_bad_data(broken_data: Path, cache_dir: Path) -> None:
    with pytest.raises(DatasetError, match="t10k-labels"):
        prepare(broken_data, cache_dir, "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_device_that_is_not_there_is_told_in_one_line(cache_dir: Path) -> None:
    """And not by a traceback: the setting may be a mistake."""
    with pytest.raises(BatchNormError, match="cuda") as raised:
        prepare(DATA_DIR, cache_dir, "cuda")
    assert "\n" not in str(raised.value)
