"""Every error this project raises.

BatchNormError
├── InvalidSettings         a BATCHNORM_* variable is wrong: the server does not start
├── InvalidRequest          a reader asked for something outside its bounds
├── InvalidReceipt          a file is not the receipt of a run that can be repeated
├── ExportRefused           a folder can't take the article: it has what isn't ours, or is closed
├── NothingRecorded         an experiment has no recorded run to show
├── NothingToDrawWith       pictures are to be drawn, and there is no browser
├── UnknownExperiment       no experiment has that slug
├── UnknownRun              no run has that id, or it expired
├── UnknownComment          no comment has that number
├── NotYours                only the reader who started a run may stop it
├── Busy                    there is no room at present; says when to come back
│   ├── TooManyRuns         this reader already holds as many runs as one may
│   └── TooManyComments     this reader, or all together, wrote as many as one may for now
├── StoreUnavailable        the file that outlives the server can't be read or written
├── Unusable                this machine can't train as it was told to
│   ├── DatasetError        a data file is missing, cut or altered
│   └── DeviceError         the device is not there
└── TrainingError           a training did not reach its end
    ├── WorkerLost          its process died
    ├── DeadlineExceeded    it took longer than a training may
    ├── MemoryExceeded      it needed more memory than a training may have
    └── TrainingFailed      it raised; the traceback goes to the log, never to a reader
"""

from dataclasses import dataclass
from typing import ClassVar

from app.events import FailureCode


class BatchNormError(Exception):
    """Base of all errors that are ours. The message is fit for a reader's eyes."""


class InvalidSettings(BatchNormError):
    """A setting from the environment is outside its bounds."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field of a request, its bound included."""

    field: str
    message: str


class InvalidRequest(BatchNormError):
    """One or more fields of a request are wrong; `problems` names each with its bound."""

    def __init__(self, problems: list[FieldProblem]) -> None:
        super().__init__("; ".join(f"{p.field}: {p.message}" for p in problems))
        self.problems = problems


class InvalidReceipt(BatchNormError):
    """A file is not the receipt of a run that can be repeated; one line names file and field."""


class ExportRefused(BatchNormError):
    """A folder can't take the exported article; one line names it and says why."""


class NothingRecorded(BatchNormError):
    """An experiment has no recorded run; one line says how to record one."""


class NothingToDrawWith(BatchNormError):
    """Pictures are to be drawn, and no browser can draw them; one line says what to install."""


class UnknownExperiment(BatchNormError):
    """No experiment has that slug."""


class UnknownRun(BatchNormError):
    """No run has that id, or it expired."""


class UnknownComment(BatchNormError):
    """No comment has that number."""


class NotYours(BatchNormError):
    """Somebody else started this run."""


class Busy(BatchNormError):
    """The server can't take what was sent now. `retry_after_s` is a whole number of seconds."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooManyRuns(Busy):
    """This reader already has as many runs waiting or training as one may."""


class TooManyComments(Busy):
    """This reader, or all readers together, wrote as many comments as one may for now."""


class StoreUnavailable(BatchNormError):
    """The store can't be used. `details` (the file and why) are for an operator alone."""

    def __init__(self, what: str, details: str) -> None:
        super().__init__(f"{what} can't be read or kept just now. The rest of the page works.")
        self.details = details


class Unusable(BatchNormError):
    """This machine can't train as it was told to; the message is one line that says why."""


class DatasetError(Unusable):
    """A data file is missing, cut or altered; the message is one line that names it."""


class DeviceError(Unusable):
    """The device that the settings name is not there."""


class TrainingError(BatchNormError):
    """A training did not reach its end. `code` is the one a `done` event carries."""

    code: ClassVar[FailureCode] = "internal"


class WorkerLost(TrainingError):
    """The process that trained is gone."""

    code: ClassVar[FailureCode] = "worker_lost"


class DeadlineExceeded(TrainingError):
    """The training ran longer than one may."""

    code: ClassVar[FailureCode] = "deadline"


class MemoryExceeded(TrainingError):
    """The training needed more memory than one may have, or than there is."""

    code: ClassVar[FailureCode] = "memory"


class TrainingFailed(TrainingError):
    """The training raised. `details` (a traceback) is for the log alone."""

    def __init__(self, details: str) -> None:
        super().__init__("The training stopped with an error of ours.")
        self.details = details
