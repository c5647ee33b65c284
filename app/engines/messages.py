"""The messages between the server and a worker process, which share a socket pair."""

import pickle
import struct
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

from app.errors import CannotTrain, TrainingError
from app.events import TrainingEvent
from app.experiments.definition import TrainingSpec
from app.measurements import Provenance

LENGTH_HEADER = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class StartTraining:
    """Command: train `spec` and send each event."""

    spec: TrainingSpec


@dataclass(frozen=True, slots=True)
class StopTraining:
    """Command: end the current training. The worker always answers with `TrainingEnded`."""


@dataclass(frozen=True, slots=True)
class StartupStage:
    """Message of a starting worker: the stage that begins now, such as "importing PyTorch"."""

    stage: str


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """Message of a worker: it is warm and waits for the first `StartTraining`."""

    provenance: Provenance


@dataclass(frozen=True, slots=True)
class StartupFailed:
    """Last message of a worker that can't train on this machine, with the reason."""

    error: CannotTrain


@dataclass(frozen=True, slots=True)
class TrainingBegan:
    """Message of a worker: it has received the training. Until then the worker counts as idle."""


@dataclass(frozen=True, slots=True)
class TrainingEnded:
    """Message of a worker: the training has ended, with `error` if it failed."""

    error: TrainingError | None = None


WorkerCommand: TypeAlias = StartTraining | StopTraining
WorkerMessage: TypeAlias = (
    StartupStage | WorkerReady | StartupFailed | TrainingBegan | TrainingEnded | TrainingEvent
)


def encode_message(message: WorkerCommand | WorkerMessage) -> bytes:
    """Pickles a message and puts its length in front. Both ends are this project's processes."""
    body = pickle.dumps(message)
    return LENGTH_HEADER.pack(len(body)) + body


def read_command(stream: BinaryIO) -> WorkerCommand | None:
    """Reads the next command from a blocking stream; None at the stream's end."""
    header = stream.read(LENGTH_HEADER.size)
    if len(header) < LENGTH_HEADER.size:
        return None
    message: WorkerCommand = pickle.loads(stream.read(*LENGTH_HEADER.unpack(header)))
    return message
