"""Idempotency keys: a request that is sent twice (a double click, a retry) creates one run."""

from dataclasses import dataclass
from weakref import ReferenceType, ref

from app.errors import FieldProblem, InvalidRequest
from app.experiments.definition import Experiment, RunRequest
from app.runs.run import Run

MAX_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """The request that used a key, and a weak reference to the run that answered it."""

    run: ReferenceType[Run]
    experiment: Experiment
    request: RunRequest


class IdempotencyKeys:
    """The latest MAX_KEYS keys whose runs are still in memory."""

    def __init__(self) -> None:
        self._entries: dict[str, KeyEntry] = {}

    def find_run(self, key: str | None, experiment: Experiment, request: RunRequest) -> Run | None:
        """The run that was created under this key; None if the key is new.

        Raises InvalidRequest if the key was used for a different request. Only the fields that a
        request sets are compared: a seed drawn at random may differ.
        """
        entry = self._entries.get(key) if key else None
        run = entry.run() if entry else None
        if entry is None or run is None:
            return None
        values, earlier_values = (
            r.model_dump(exclude_unset=True) for r in (request, entry.request)
        )
        if experiment is not entry.experiment or values != earlier_values:
            wrong = FieldProblem("Idempotency-Key", "was used for another request already")
            raise InvalidRequest([wrong])
        return run

    def remember(
        self, key: str | None, experiment: Experiment, request: RunRequest, run: Run
    ) -> None:
        """Records that this request with this key was answered with this run."""
        if key:
            self._entries[key] = KeyEntry(ref(run), experiment, request)
            if len(self._entries) > MAX_KEYS:
                del self._entries[next(iter(self._entries))]
