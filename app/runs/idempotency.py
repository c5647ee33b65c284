"""Idempotency keys: a request that is sent twice, by a double click or a bad line, is one run."""

from dataclasses import dataclass
from weakref import ReferenceType, ref

from app.errors import FieldProblem, InvalidRequest
from app.experiments.definition import Experiment, RunRequest
from app.runs.run import Run

MAX_KEYS = 10_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a key was given, and for which request. A run that nobody else keeps may go."""

    run: ReferenceType[Run]
    experiment: Experiment
    request: RunRequest


class Keys:
    """The last MAX_KEYS keys, of runs that are still in memory."""

    def __init__(self) -> None:
        self._answers: dict[str, Answer] = {}

    def run_of(self, key: str | None, experiment: Experiment, request: RunRequest) -> Run | None:
        """The run that this request got before. Raises InvalidRequest if it was another request:
        what was left open may differ (a seed drawn at random), what was given may not.
        """
        before = self._answers.get(key) if key else None
        run = before.run() if before else None
        if before is None or run is None:
            return None
        given, given_before = (r.model_dump(exclude_unset=True) for r in (request, before.request))
        if experiment is not before.experiment or given != given_before:
            wrong = FieldProblem("Idempotency-Key", "was used for another request already")
            raise InvalidRequest([wrong])
        return run

    def remember(
        self, key: str | None, experiment: Experiment, request: RunRequest, run: Run
    ) -> None:
        """That this request got that run."""
        if key:
            self._answers[key] = Answer(ref(run), experiment, request)
            if len(self._answers) > MAX_KEYS:
                del self._answers[next(iter(self._answers))]
