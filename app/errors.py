"""Every error this project raises.

BatchNormError
├── InvalidSettings         a BATCHNORM_* variable is invalid; the server does not start
├── InvalidRequest          a field of a request is unknown or out of bounds
├── InvalidReceipt          a file is not the receipt of a run that can be repeated
├── ExportRefused           the export folder is not writable, or holds other files
├── RecordingNotFound       an experiment has no recorded run
├── BrowserNotFound         there is no browser to draw the pictures
├── UnknownExperiment       no experiment has this slug
├── UnknownRun              no run has this id, or the run has expired
├── UnknownComment          no comment has this number
├── NotRunOwner             only an owner of a run may stop it
├── Busy                    the server has no capacity; says when to retry
│   ├── TooManyRuns         the reader has reached the limit of runs per reader
│   └── TooManyComments     a rate limit of comments is reached
├── StoreUnavailable        the store can't be read or written
├── CannotTrain             this machine can't train with these settings
│   ├── DatasetError        a data file is missing, truncated or altered
│   └── DeviceError         the device does not exist
└── TrainingError           a training failed
    ├── WorkerLost          the worker process died
    ├── DeadlineExceeded    the training exceeded its time limit
    ├── MemoryExceeded      the training exceeded its memory limit
    └── TrainingFailed      the training raised; its traceback goes to the log only
"""

from dataclasses import dataclass
from typing import ClassVar

from app.events import FailureCode


class BatchNormError(Exception):
    """Base class of all errors of this project. The message may be shown to readers."""


class InvalidSettings(BatchNormError):
    """A setting from the environment is invalid or out of bounds."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """An invalid field of a request; the message names the allowed values."""

    field: str
    message: str


class InvalidRequest(BatchNormError):
    """Fields of a request are invalid; `problems` describes each."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
        self.problems = problems


class InvalidReceipt(BatchNormError):
    """A file is not the receipt of a run that can be repeated; one line names file and field."""


class ExportRefused(BatchNormError):
    """The article can't be exported to a folder; the one-line message says why."""


class RecordingNotFound(BatchNormError):
    """An experiment has no recorded run; the one-line message says how to record one."""


class BrowserNotFound(BatchNormError):
    """There is no browser to draw the pictures; the one-line message says what to install."""


class UnknownExperiment(BatchNormError):
    """No experiment has this slug."""


class UnknownRun(BatchNormError):
    """No run has this id, or the run has expired."""


class UnknownComment(BatchNormError):
    """No comment has this number."""


class NotRunOwner(BatchNormError):
    """The reader does not own this run."""


class Busy(BatchNormError):
    """The server has no capacity now. `retry_after_s` is a whole number of seconds."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooManyRuns(Busy):
    """The reader has as many runs waiting or training as allowed."""


class TooManyComments(Busy):
    """The reader, or all readers together, reached the rate limit of comments."""


class StoreUnavailable(BatchNormError):
    """The store can't be used. `details` (the file and the reason) are for operators only."""

    def __init__(self, subject: str, details: str) -> None:
        super().__init__(f"{subject} can't be read or kept just now. The rest of the page works.")
        self.details = details


class CannotTrain(BatchNormError):
    """This machine can't train with these settings; the one-line message says why."""


class DatasetError(CannotTrain):
    """A data file is missing, truncated or altered; the one-line message names it."""


class DeviceError(CannotTrain):
    """The device that the settings name does not exist."""


class TrainingError(BatchNormError):
    """A training failed. `code` is the failure code in the run's `done` event."""

    code: ClassVar[FailureCode] = "internal"


class WorkerLost(TrainingError):
    """The worker process died."""

    code: ClassVar[FailureCode] = "worker_lost"


class DeadlineExceeded(TrainingError):
    """The training exceeded its time limit."""

    code: ClassVar[FailureCode] = "deadline"


class MemoryExceeded(TrainingError):
    """The training exceeded its memory limit, or the machine's memory."""

    code: ClassVar[FailureCode] = "memory"


class TrainingFailed(TrainingError):
    """The training raised an exception. `details` (a traceback) goes to the log only."""

    def __init__(self, details: str) -> None:
        super().__init__("The training stopped with an error of ours.")
        self.details = details
