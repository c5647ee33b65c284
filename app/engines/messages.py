"""What a server and its worker processes say to each other, over one socket pair each."""

import pickle
import struct
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias

from app.errors import TrainingError, Unusable
from app.events import TrainingEvent
from app.experiments.definition import TrainingSpec
from app.measurements import Provenance

HEADER = struct.Struct("!I")


@dataclass(frozen=True, slots=True)
class Train:
    """To a worker: train this, and report each event."""

    spec: TrainingSpec


@dataclass(frozen=True, slots=True)
class Stop:
    """To a worker: end the training you are at. Answered by `Ended` in any case."""


@dataclass(frozen=True, slots=True)
class Starting:
    """From a worker that is not yet warm: what it does next, as in "it is importing PyTorch"."""

    stage: str


@dataclass(frozen=True, slots=True)
class Ready:
    """From a worker: warm, waiting for a first `Train`."""

    provenance: Provenance


@dataclass(frozen=True, slots=True)
class Refused:
    """From a worker, its last word: why it can't train here."""

    error: Unusable


@dataclass(frozen=True, slots=True)
class Begun:
    """From a worker: it has got the training. A worker that is lost before was idle."""


@dataclass(frozen=True, slots=True)
class Ended:
    """From a worker: no more events of this training. `error` if it did not reach its end."""

    error: TrainingError | None = None


ToWorker: TypeAlias = Train | Stop
FromWorker: TypeAlias = Starting | Ready | Refused | Begun | Ended | TrainingEvent


def pack(message: ToWorker | FromWorker) -> bytes:
    """A message with its length in front. Pickle: both ends are this project's processes."""
    body = pickle.dumps(message)
    return HEADER.pack(len(body)) + body


def read(stream: BinaryIO) -> ToWorker | None:
    """The next message to a worker, from a blocking stream; None at its end."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    message: ToWorker = pickle.loads(stream.read(*HEADER.unpack(header)))
    return message
