"""Recorded sweeps: the trainings from which the article's sweep maps are drawn."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.events import ArmEnded, to_payload
from app.experiments.definition import Experiment, ParameterValue, RunRequest
from app.reproducibility.recordings import FOLDER
from app.runs.run import Run

# One training: (parameter's value, seed, arm).
Cell = tuple[ParameterValue, int, str]


@dataclass(frozen=True, slots=True)
class RecordedSweep:
    """A sweep's `receipt` (request, date, provenance) and the end of each training."""

    receipt: Mapping[str, Any]
    ends: Mapping[Cell, ArmEnded]

    def covers(self, experiment: Experiment, request: RunRequest) -> bool:
        """Whether the request is one cell of the maps: a recorded seed and the same settings."""
        sweep = experiment.sweep
        if sweep is None or request.seeds > 1:
            return False
        asked = request.parameters()
        value = asked.pop(sweep.parameter)
        own = (value, request.seed, sweep.panels[0].arm) in self.ends
        return own and asked == self.receipt["parameters"]


def save(runs: Sequence[Run], command: str, folder: Path = FOLDER) -> Path:
    """Writes the finished runs of a sweep to `folder`/<slug>.sweep.json and returns the path."""
    first = runs[0]
    sweep = first.experiment.sweep
    assert sweep is not None
    receipt = first.receipt()
    parameters = first.request.parameters()
    del parameters[sweep.parameter]
    kept = {
        "command": command,
        "slug": first.experiment.slug,
        "parameter": sweep.parameter,
        "parameters": parameters,
        "seed": first.request.seed,
        "seeds": sweep.seeds,
        "elapsed_s": round(sum(run.elapsed_s for run in runs), 1),
        **{key: receipt[key] for key in ("created", "versions", "device", "hardware")},
    }
    cells = [
        {
            "value": run.request.parameters()[sweep.parameter],
            **to_payload(run.measured.end_event(each.arm, each.seed)),
        }
        for run in runs
        for spec in run.specs
        for each in spec.members
    ]
    path = folder / f"{first.experiment.slug}.sweep.json"
    text = json.dumps({"receipt": kept, "cells": cells}, allow_nan=False)
    path.write_text(text.replace('{"value"', '\n{"value"') + "\n", encoding="utf-8", newline="\n")
    return path


def load(slug: str, folder: Path = FOLDER) -> RecordedSweep | None:
    """The recorded sweep of an experiment; None if there is none."""
    path = folder / f"{slug}.sweep.json"
    if not path.exists():
        return None
    document = json.loads(path.read_text(encoding="utf-8"))
    ends: dict[Cell, ArmEnded] = {}
    for cell in document["cells"]:
        value = cell.pop("value")
        ends[value, cell["seed"], cell["arm"]] = ArmEnded(**cell)
    return RecordedSweep(document["receipt"], ends)
