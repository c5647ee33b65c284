"""Links that open a figure with settings filled in: a permalink's query, or a teacher's."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import FieldProblem, InvalidRequest, UnknownExperiment
from app.experiments import find
from app.experiments.definition import Experiment, ParameterValue, RunRequest

# All settings of a figure with room to spare: the longest permalink's query has 130.
MAX_QUERY = 1_000


@dataclass(frozen=True, slots=True)
class Asked:
    """A figure with the settings of a link. Nothing trains by it.

    `problems`: what the link names besides, and the figure can't be given. `expired`: it is the
    permalink of a run that is gone.
    """

    experiment: Experiment
    request: RunRequest
    problems: tuple[FieldProblem, ...] = ()
    expired: bool = False

    @property
    def seeded(self) -> bool:
        """The link names a seed; otherwise every run draws its own."""
        return "seed" in self.request.model_fields_set

    def settings(self) -> dict[str, ParameterValue]:
        """What the link sets, the seeds too."""
        named = self.request.model_fields_set
        return {name: value for name, value in self.request.model_dump().items() if name in named}


def asked(query: Mapping[str, str]) -> Asked | None:
    """What a query asks for, without what can't be; None where it names no figure of ours."""
    values = {name: value for name, value in query.items() if value}
    try:
        experiment = find(values.pop("figure", ""))
    except UnknownExperiment:
        return None
    problems: list[FieldProblem] = []
    while True:
        try:
            return Asked(experiment, experiment.parse(values, text=True), tuple(problems))
        except InvalidRequest as error:
            problems += error.problems
            for field in {problem.field for problem in error.problems}:
                del values[field]  # what is wrong was sent: defaults are within their bounds
