"""Parses links that open a figure with settings filled in, such as permalinks."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import FieldProblem, InvalidRequest, UnknownExperiment
from app.experiments import find
from app.experiments.definition import Experiment, ParameterValue, RunRequest

# Longer queries are ignored. The longest permalink's query has 130 characters.
MAX_QUERY_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class FigureLink:
    """The figure and settings that a link names. Following it starts no training.

    `problems` lists the settings that are invalid. `expired` marks the permalink of a run that has
    been deleted.
    """

    experiment: Experiment
    request: RunRequest
    problems: tuple[FieldProblem, ...] = ()
    expired: bool = False

    @property
    def has_seed(self) -> bool:
        """Whether the link names a seed; without one, every run draws its own."""
        return "seed" in self.request.model_fields_set

    def settings(self) -> dict[str, ParameterValue]:
        """Returns the settings in the link, seeds included."""
        given_fields = self.request.model_fields_set
        return {
            name: value for name, value in self.request.model_dump().items() if name in given_fields
        }


def parse_figure_link(query: Mapping[str, str]) -> FigureLink | None:
    """Parses a query, leaving out invalid settings; None if it names no figure."""
    values = {name: value for name, value in query.items() if value}
    try:
        experiment = find(values.pop("figure", ""))
    except UnknownExperiment:
        return None
    problems: list[FieldProblem] = []
    while True:
        try:
            return FigureLink(experiment, experiment.parse(values, text=True), tuple(problems))
        except InvalidRequest as error:
            problems += error.problems
            for field in {problem.field for problem in error.problems}:
                del values[field]  # only given values can be invalid, since defaults are valid
