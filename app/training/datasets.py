"""The data set on disk → tensors in memory.

The four packed files travel with the project. torchvision reads them once into a cache
of tensors, which every later worker maps into memory instead: torchvision's import alone
costs 1.8 s and 170 MB (measured). Where no cache can be written, each worker reads them itself.
"""

import gzip
import hashlib
import logging
import shutil
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from app.errors import DatasetError

log = logging.getLogger(__name__)

# SHA-256 of the packed files, as bundled in app/data/mnist.
MNIST_FILES = {
    "train-images-idx3-ubyte.gz": (
        "d2cebd02927d553943b2679536bf602ec0cdcb6555ad87dda5d640e1d425faaf"
    ),
    "train-labels-idx1-ubyte.gz": (
        "2a107763ddf1eef92815bfbb1b855b662a7228add9dfab29de697c644d666cda"
    ),
    "t10k-images-idx3-ubyte.gz": "4e612d6003de73386763f2c35c044ab376e830da80adb2347651a1f182f103a1",
    "t10k-labels-idx1-ubyte.gz": "909a5aeb9fcec3f171b427c45622a55f69dc15dd80bd0624413cbfbe12553c1c",
}


@dataclass(frozen=True, slots=True)
class Dataset:
    """Images uint8 (N, 1, 28, 28) with values 0…255, labels int64 (N,) with values 0…9."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


def load_mnist(folder: Path, cache: Path) -> Dataset:
    """MNIST: 60,000 training and 10,000 test images (LeCun, Cortes, Burges).

    `folder` holds the four packed files, `cache` may be deleted at any time, and need not be there.
    Raises DatasetError with one line that names the file which is missing, cut or altered.
    """
    verify(folder)
    version = hashlib.sha256("".join(MNIST_FILES.values()).encode()).hexdigest()[:12]
    path = cache / f"mnist-{version}.pt"
    try:
        return _read_cache(path)
    except (OSError, RuntimeError, UnpicklingError):  # not there yet, or spoilt by a power cut
        pass
    try:
        _fill_cache(folder, path)
        return _read_cache(path)
    except (OSError, RuntimeError) as error:  # a full disk is a RuntimeError of torch.save
        log.warning(
            "no data cache in %s (%s), so each worker unpacks the data for itself: "
            "BATCHNORM_CACHE_DIR may name a folder that can be written",
            cache,
            getattr(error, "strerror", None) or "it can't be written whole",
        )
        return _read_packed(folder)


def verify(folder: Path) -> None:
    """Raises DatasetError unless `folder` holds the four files, bit for bit."""
    for name, expected in MNIST_FILES.items():
        try:
            with Path(folder, name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
                size = file.tell()
        except FileNotFoundError:
            raise DatasetError(f"data file missing: {name}") from None
        except OSError as error:
            raise DatasetError(f"data file unreadable: {name} ({error.strerror})") from None
        if found != expected:
            raise DatasetError(
                f"data file cut or altered: {name} has {size:,} bytes and "
                f"SHA-256 {found[:12]}…, expected {expected[:12]}…"
            )


def _read_cache(path: Path) -> Dataset:
    return Dataset(**torch.load(path, mmap=True, weights_only=True))


def _fill_cache(folder: Path, path: Path) -> None:
    from torchvision.datasets import MNIST

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        raw = Path(scratch, "MNIST", "raw")
        raw.mkdir(parents=True)
        for name in MNIST_FILES:
            with gzip.open(folder / name) as packed, (raw / name).with_suffix("").open("wb") as f:
                shutil.copyfileobj(packed, f)
        train, test = MNIST(scratch, train=True), MNIST(scratch, train=False)
        tensors = {
            "train_images": train.data.unsqueeze(1),
            "train_labels": train.targets,
            "test_images": test.data.unsqueeze(1),
            "test_labels": test.targets,
        }
        torch.save(tensors, Path(scratch, "tensors"))
        # Two workers may do this at once: the rename is atomic, either result is whole.
        Path(scratch, "tensors").replace(path)


def _read_packed(folder: Path) -> Dataset:
    train_images, train_labels, test_images, test_labels = (
        _read_idx(folder / name) for name in MNIST_FILES
    )
    return Dataset(
        train_images.unsqueeze(1), train_labels.long(), test_images.unsqueeze(1), test_labels.long()
    )


def _read_idx(path: Path) -> Tensor:
    """A packed array of bytes in the IDX format (LeCun, Cortes, Burges).

    Two zeros, 8 for bytes, the number of dimensions, their sizes as big-endian 32 bits, the values.
    """
    with gzip.open(path) as packed:
        content = bytearray(packed.read())
    start = 4 + 4 * content[3]
    sizes = struct.unpack(f">{content[3]}I", content[4:start])
    return torch.frombuffer(content, dtype=torch.uint8, offset=start).view(sizes)
