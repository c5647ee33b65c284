import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import pytest
import torch

from app.errors import DatasetError
from app.training.datasets import MNIST_FILES, Dataset, load_mnist, verify
from tests.conftest import DATA_DIR
from tests.support.processes import ROOT

FILES = sorted(MNIST_FILES)
every_file = pytest.mark.parametrize("name", FILES)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A copy to spoil."""
    return shutil.copytree(DATA_DIR, tmp_path / "mnist")


class Connections:
    """The attempts to reach the network that Python reports (PEP 578); a hook stays for good."""

    def __init__(self) -> None:
        self.attempts: list[str] = []
        self._watching = False
        sys.addaudithook(self._hear)

    def _hear(self, event: str, _: object) -> None:
        if self._watching and event in ("socket.connect", "socket.getaddrinfo", "urllib.Request"):
            self.attempts.append(event)

    @contextmanager
    def watched(self) -> Iterator[None]:
        self._watching = True
        yield
        self._watching = False


def one_line_naming(name: str, error: DatasetError, *folders: Path) -> bool:
    line = str(error)
    return name in line and "\n" not in line and not any(str(folder) in line for folder in folders)


def test_the_data_has_its_shapes_and_types(dataset: Dataset) -> None:
    assert dataset.train_images.shape == (60_000, 1, 28, 28)
    assert dataset.test_images.shape == (10_000, 1, 28, 28)
    assert dataset.train_images.dtype == dataset.test_images.dtype == torch.uint8
    assert dataset.train_labels.shape == (60_000,)
    assert dataset.test_labels.shape == (10_000,)
    assert dataset.train_labels.dtype == dataset.test_labels.dtype == torch.int64


def test_the_images_are_those_of_mnist(dataset: Dataset) -> None:
    std, mean = torch.std_mean(dataset.train_images.double() / 255, correction=0)
    assert round(mean.item(), 5) == 0.13066
    assert round(std.item(), 5) == 0.30811
    assert int(dataset.test_images.max()) == 255


def test_the_labels_are_those_of_mnist(dataset: Dataset) -> None:
    assert dataset.train_labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert torch.bincount(dataset.test_labels).tolist() == [
        *(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    ]


@every_file
def test_a_missing_file_is_named(data_dir: Path, tmp_path: Path, name: str) -> None:
    (data_dir / name).unlink()
    with pytest.raises(DatasetError, match="missing") as raised:
        load_mnist(data_dir, tmp_path / "cache")
    assert one_line_naming(name, raised.value, tmp_path)


@every_file
def test_a_cut_file_is_named(data_dir: Path, tmp_path: Path, name: str) -> None:
    with (data_dir / name).open("rb+") as file:
        file.truncate(1000)
    with pytest.raises(DatasetError, match="1,000 bytes") as raised:
        load_mnist(data_dir, tmp_path / "cache")
    assert one_line_naming(name, raised.value, tmp_path)


@every_file
def test_a_file_altered_in_one_bit_is_named(data_dir: Path, tmp_path: Path, name: str) -> None:
    content = bytearray((data_dir / name).read_bytes())
    content[-1] ^= 1
    (data_dir / name).write_bytes(content)
    with pytest.raises(DatasetError, match="altered") as raised:
        load_mnist(data_dir, tmp_path / "cache")
    assert one_line_naming(name, raised.value, tmp_path)


def test_a_file_that_can_not_be_read_is_named(data_dir: Path, tmp_path: Path) -> None:
    (data_dir / FILES[0]).unlink()
    (data_dir / FILES[0]).mkdir()
    with pytest.raises(DatasetError, match="unreadable") as raised:
        load_mnist(data_dir, tmp_path / "cache")
    assert one_line_naming(FILES[0], raised.value, tmp_path)


def test_a_warm_cache_does_not_hide_an_altered_file(broken_data: Path, cache_dir: Path) -> None:
    with pytest.raises(DatasetError, match="t10k-labels"):
        load_mnist(broken_data, cache_dir)


def test_the_bundled_files_are_whole() -> None:
    verify(DATA_DIR)


def test_unpacking_opens_no_connection_and_the_cache_gives_the_same_again(
    dataset: Dataset, tmp_path: Path
) -> None:
    connections = Connections()
    with connections.watched():
        unpacked = load_mnist(DATA_DIR, tmp_path)
    (kept,) = tmp_path.iterdir()
    written = kept.stat().st_mtime_ns
    cached = load_mnist(DATA_DIR, tmp_path)
    assert connections.attempts == []
    assert kept.stat().st_mtime_ns == written
    for field in fields(Dataset):
        tensors = [getattr(each, field.name) for each in (unpacked, cached, dataset)]
        assert torch.equal(tensors[0], tensors[1])
        assert torch.equal(tensors[0], tensors[2])


def test_missing_data_is_never_fetched(tmp_path: Path) -> None:
    connections = Connections()
    with connections.watched(), pytest.raises(DatasetError):
        load_mnist(tmp_path / "nowhere", tmp_path / "cache")
    assert connections.attempts == []


def test_a_spoilt_cache_is_filled_anew(dataset: Dataset, cache_dir: Path, tmp_path: Path) -> None:
    """A machine that lost its power may leave a cut file: it is a cache, and may not matter."""
    (whole,) = cache_dir.iterdir()
    (tmp_path / whole.name).write_bytes(whole.read_bytes()[:10_000])
    again = load_mnist(DATA_DIR, tmp_path)
    assert torch.equal(again.test_labels, dataset.test_labels)


LOADS = """
import resource, sys
from pathlib import Path
limit = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
import torch
from app.training.datasets import load_mnist
data = load_mnist(Path(sys.argv[1]), Path(sys.argv[2]))
print(*(int(each.long().sum()) for each in (
    data.train_images, data.train_labels, data.test_images, data.test_labels)))
"""


@pytest.mark.parametrize(
    "room", [1_000_000, 50_000_000], ids=["not even the data", "the data, but not the tensors"]
)
def test_where_the_cache_finds_no_room_the_data_is_unpacked_in_memory(
    room: int, dataset: Dataset, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LOADS, str(DATA_DIR), str(tmp_path), str(room)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    sums = [int(getattr(dataset, field.name).long().sum()) for field in fields(dataset)]
    assert [int(number) for number in ended.stdout.split()] == sums
    assert "BATCHNORM_CACHE_DIR" in ended.stderr
    assert str(tmp_path) in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_can_not_be_written_is_told_in_one_line_and_not_needed(
    dataset: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    unpacked = load_mnist(DATA_DIR, tmp_path / "file")
    for field in fields(dataset):
        mine, cached = getattr(unpacked, field.name), getattr(dataset, field.name)
        assert mine.dtype == cached.dtype
        assert torch.equal(mine, cached)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "BATCHNORM_CACHE_DIR" in line
    assert "\n" not in line
