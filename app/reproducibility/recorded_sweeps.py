"""The cells of a sweep, trained once and kept with the article: what its maps are drawn from."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.events import ArmEnded, data
from app.experiments.definition import Experiment, ParameterValue, RunRequest
from app.reproducibility.recordings import FOLDER
from app.runs.run import Run

# (value of the parameter, seed, arm) of one training.
Cell = tuple[ParameterValue, int, str]


@dataclass(frozen=True, slots=True)
class RecordedSweep:
    """`receipt`: what was asked for, when and on what; `ends`: how each training came out."""

    receipt: Mapping[str, Any]
    ends: Mapping[Cell, ArmEnded]

    def covers(self, experiment: Experiment, request: RunRequest) -> bool:
        """Whether that request is one cell of these maps: one seed, all other settings alike."""
        sweep = experiment.sweep
        if sweep is None or request.seeds > 1:
            return False
        asked = request.parameters()
        value = asked.pop(sweep.parameter)
        own = (value, request.seed, sweep.panels[0].arm) in self.ends
        return own and asked == self.receipt["parameters"]


def save(runs: Sequence[Run], command: str, folder: Path = FOLDER) -> Path:
    """Writes one experiment's finished runs to `folder`/<slug>.sweep.json; returns the path."""
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
            **data(run.measured.end(each.arm, each.seed)),
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
    """The maps of that experiment; None where none were recorded."""
    path = folder / f"{slug}.sweep.json"
    if not path.exists():
        return None
    document = json.loads(path.read_text(encoding="utf-8"))
    ends: dict[Cell, ArmEnded] = {}
    for cell in document["cells"]:
        value = cell.pop("value")
        ends[value, cell["seed"], cell["arm"]] = ArmEnded(**cell)
    return RecordedSweep(document["receipt"], ends)
