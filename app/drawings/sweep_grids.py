"""Recorded sweeps as tables of numbers and shades, and how a reader's run compares with them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from app.events import ArmEnded
from app.experiments.definition import Arm, Experiment, Metric
from app.experiments.sweeps import Panel, Sweep
from app.reproducibility.recorded_sweeps import RecordedSweep
from app.runs.run import Run

# The style sheet has that many shades, from `low` of a sweep's scale to `high`.
LEVELS = 10


@dataclass(frozen=True, slots=True)
class CellDrawing:
    """One cell: its number as text, and its shade's class; of a diverged one, "x" for both."""

    text: str
    level: str


@dataclass(frozen=True, slots=True)
class PanelDrawing:
    """One map: `rows` of cells, a seed each, and the `medians` below."""

    panel: Panel
    arm: Arm
    metric: Metric
    rows: Sequence[tuple[int, Sequence[CellDrawing]]]
    medians: Sequence[str]

    @property
    def diverged(self) -> bool:
        """Whether any cell is a training that diverged."""
        return any(cell.level == "x" for _, cells in self.rows for cell in cells)


def draw_sweep(experiment: Experiment, recorded: RecordedSweep) -> list[PanelDrawing]:
    """Each panel's cells, the parameter's values across and the seeds down."""
    assert experiment.sweep is not None
    return [_panel(experiment, experiment.sweep, recorded, of) for of in experiment.sweep.panels]


def edges_of(experiment: Experiment) -> list[str]:
    """Where the shades begin, and where the last one ends, in the unit of the cells."""
    sweep, metric = _swept(experiment)
    width = (sweep.high - sweep.low) / LEVELS
    return [_number(sweep.low + width * k, metric, digits=0) for k in range(LEVELS + 1)]


def against_map(run: Run, recorded: RecordedSweep) -> str | None:
    """What the maps have for a finished run's cell and what the run gave; None for no cell."""
    experiment = run.experiment
    if experiment.sweep is None or not recorded.covers(experiment, run.request):
        return None
    sweep, seed = experiment.sweep, run.request.seed
    value = run.request.parameters()[sweep.parameter]
    theirs = [recorded.ends[value, seed, panel.arm] for panel in sweep.panels]
    ours = [run.measured.end_event(panel.arm, seed) for panel in sweep.panels]
    texts = [
        [_result(end, panel, experiment) for end, panel in zip(ends, sweep.panels, strict=True)]
        for ends in (theirs, ours)
    ]
    mapped = _list(
        f"{text} ({panel.label})" for text, panel in zip(texts[0], sweep.panels, strict=True)
    )
    start = f"For {sweep.name} {value:g} and seed {seed} the maps have {mapped}."
    if all(_same(a, b, p) for a, b, p in zip(theirs, ours, sweep.panels, strict=True)):
        return f"{start} Your run gave the same, digit for digit."
    return (
        f"{start} Your run gave {_list(texts[1])}. Other versions and processors round their sums "
        f"differently, and training makes much of it: the maps come from "
        f"{_where(recorded.receipt)}, your run from {_where(run.receipt())}."
    )


def _panel(
    experiment: Experiment, sweep: Sweep, recorded: RecordedSweep, panel: Panel
) -> PanelDrawing:
    metric = _metric(experiment, panel)
    first = recorded.receipt["seed"]
    seeds = range(first, first + recorded.receipt["seeds"])
    ends = {
        seed: [recorded.ends[value, seed, panel.arm] for value in sweep.values] for seed in seeds
    }
    columns = zip(*ends.values(), strict=True)
    return PanelDrawing(
        panel=panel,
        arm=next(arm for arm in experiment.arms if arm.id == panel.arm),
        metric=metric,
        rows=[(seed, [_cell(end, metric, sweep) for end in row]) for seed, row in ends.items()],
        medians=[_median(column, metric) for column in columns],
    )


def _cell(end: ArmEnded, metric: Metric, sweep: Sweep) -> CellDrawing:
    value = _value(end, metric)
    if value is None:
        return CellDrawing("×", "x")
    share = (value - sweep.low) / (sweep.high - sweep.low)
    level = min(max(math.floor(share * LEVELS), 0), LEVELS - 1)
    return CellDrawing(_number(value, metric), str(level))


def _median(column: Sequence[ArmEnded], metric: Metric) -> str:
    """Of all seeds, the diverged ones below all others."""
    values = [_value(end, metric) for end in column]
    middle = median(-math.inf if value is None else value for value in values)
    return _number(middle, metric) if math.isfinite(middle) else "×"


def _value(end: ArmEnded, metric: Metric) -> float | None:
    """The last value, None where the training diverged: what came last means nothing then."""
    return None if end.state == "diverged" else end.summary[metric.id]


def _number(value: float, metric: Metric, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f}" if metric.share else f"{value:.3g}"


def _result(end: ArmEnded, panel: Panel, experiment: Experiment) -> str:
    metric = _metric(experiment, panel)
    value = _value(end, metric)
    if value is None:
        return "“diverged”"
    return _number(value, metric) + ("%" if metric.share else "")


def _same(ours: ArmEnded, theirs: ArmEnded, panel: Panel) -> bool:
    """To the last bit, or diverged both."""
    if ours.state != theirs.state:
        return False
    return ours.state == "diverged" or ours.summary[panel.metric] == theirs.summary[panel.metric]


def _swept(experiment: Experiment) -> tuple[Sweep, Metric]:
    assert experiment.sweep is not None
    return experiment.sweep, _metric(experiment, experiment.sweep.panels[0])


def _metric(experiment: Experiment, panel: Panel) -> Metric:
    return next(metric for metric in experiment.metrics if metric.id == panel.metric)


def _where(receipt: Mapping[str, object]) -> str:
    versions = receipt["versions"]
    assert isinstance(versions, Mapping)
    return f"PyTorch {versions['torch']} on {receipt['hardware']}"


def _list(texts: Iterable[str]) -> str:
    *most, last = texts
    return f"{', '.join(most)} and {last}" if most else last
