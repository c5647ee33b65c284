"""Recorded sweeps as tables of shaded cells, and the comparison of a reader's run with them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from app.events import ArmEnded
from app.experiments.definition import Arm, Experiment, Metric
from app.experiments.sweeps import Panel, Sweep
from app.reproducibility.recorded_sweeps import RecordedSweep
from app.runs.run import Run

# The number of shades in the style sheet, from `low` to `high` of a sweep's scale.
SHADES = 10


@dataclass(frozen=True, slots=True)
class CellDrawing:
    """A cell: its value as text and the class of its shade ("×" and "x" if it diverged)."""

    text: str
    shade: str


@dataclass(frozen=True, slots=True)
class PanelDrawing:
    """One table: `rows` of cells, one for each seed, and the `medians` of the columns."""

    panel: Panel
    arm: Arm
    metric: Metric
    rows: Sequence[tuple[int, Sequence[CellDrawing]]]
    medians: Sequence[str]

    @property
    def diverged(self) -> bool:
        """Whether any training of the table diverged."""
        return any(cell.shade == "x" for _, cells in self.rows for cell in cells)


def draw_sweep(experiment: Experiment, recorded: RecordedSweep) -> list[PanelDrawing]:
    """Draws each panel of a sweep: a column for each parameter value, a row for each seed."""
    assert experiment.sweep is not None
    return [
        _draw_panel(experiment, experiment.sweep, recorded, of) for of in experiment.sweep.panels
    ]


def shade_edges(experiment: Experiment) -> list[str]:
    """Returns the lower edge of each shade and the upper edge of the last, as text."""
    sweep, metric = _sweep_and_metric(experiment)
    width = (sweep.high - sweep.low) / SHADES
    return [_format_value(sweep.low + width * k, metric, digits=0) for k in range(SHADES + 1)]


def compare_with_sweep(run: Run, recorded: RecordedSweep) -> str | None:
    """Compares a finished run with its cell of the recorded sweep; None if it has no cell."""
    experiment = run.experiment
    if experiment.sweep is None or not recorded.covers(experiment, run.request):
        return None
    sweep, seed = experiment.sweep, run.request.seed
    value = run.request.parameters()[sweep.parameter]
    recorded_ends = [recorded.ends[value, seed, panel.arm] for panel in sweep.panels]
    run_ends = [run.measured.end_event(panel.arm, seed) for panel in sweep.panels]
    texts = [
        [
            _format_result(end, panel, experiment)
            for end, panel in zip(ends, sweep.panels, strict=True)
        ]
        for ends in (recorded_ends, run_ends)
    ]
    recorded_results = _join(
        f"{text} ({panel.label})" for text, panel in zip(texts[0], sweep.panels, strict=True)
    )
    start = f"For {sweep.name} {value:g} and seed {seed} the maps have {recorded_results}."
    if all(
        _identical(a, b, p) for a, b, p in zip(recorded_ends, run_ends, sweep.panels, strict=True)
    ):
        return f"{start} Your run gave the same, digit for digit."
    return (
        f"{start} Your run gave {_join(texts[1])}. Other versions and processors round their sums "
        f"differently, and training makes much of it: the maps come from "
        f"{_machine(recorded.receipt)}, your run from {_machine(run.receipt())}."
    )


def _draw_panel(
    experiment: Experiment, sweep: Sweep, recorded: RecordedSweep, panel: Panel
) -> PanelDrawing:
    metric = _find_metric(experiment, panel)
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
        rows=[
            (seed, [_draw_cell(end, metric, sweep) for end in row]) for seed, row in ends.items()
        ],
        medians=[_column_median(column, metric) for column in columns],
    )


def _draw_cell(end: ArmEnded, metric: Metric, sweep: Sweep) -> CellDrawing:
    value = _final_value(end, metric)
    if value is None:
        return CellDrawing("×", "x")
    fraction = (value - sweep.low) / (sweep.high - sweep.low)
    shade = min(max(math.floor(fraction * SHADES), 0), SHADES - 1)
    return CellDrawing(_format_value(value, metric), str(shade))


def _column_median(column: Sequence[ArmEnded], metric: Metric) -> str:
    """Returns the median over all seeds; diverged trainings rank below all others."""
    values = [_final_value(end, metric) for end in column]
    middle = median(-math.inf if value is None else value for value in values)
    return _format_value(middle, metric) if math.isfinite(middle) else "×"


def _final_value(end: ArmEnded, metric: Metric) -> float | None:
    """Returns the last value; None if the training diverged, since it means nothing then."""
    return None if end.state == "diverged" else end.summary[metric.id]


def _format_value(value: float, metric: Metric, digits: int = 1) -> str:
    return f"{100 * value:.{digits}f}" if metric.share else f"{value:.3g}"


def _format_result(end: ArmEnded, panel: Panel, experiment: Experiment) -> str:
    metric = _find_metric(experiment, panel)
    value = _final_value(end, metric)
    if value is None:
        return "“diverged”"
    return _format_value(value, metric) + ("%" if metric.share else "")


def _identical(first: ArmEnded, second: ArmEnded, panel: Panel) -> bool:
    """Whether both have bit-identical values, or both diverged."""
    if first.state != second.state:
        return False
    return first.state == "diverged" or first.summary[panel.metric] == second.summary[panel.metric]


def _sweep_and_metric(experiment: Experiment) -> tuple[Sweep, Metric]:
    assert experiment.sweep is not None
    return experiment.sweep, _find_metric(experiment, experiment.sweep.panels[0])


def _find_metric(experiment: Experiment, panel: Panel) -> Metric:
    return next(metric for metric in experiment.metrics if metric.id == panel.metric)


def _machine(receipt: Mapping[str, object]) -> str:
    versions = receipt["versions"]
    assert isinstance(versions, Mapping)
    return f"PyTorch {versions['torch']} on {receipt['hardware']}"


def _join(texts: Iterable[str]) -> str:
    *most, last = texts
    return f"{', '.join(most)} and {last}" if most else last
