import re
from pathlib import Path

import httpx
import pytest

from app.drawings.sweep_grids import SHADES, compare_with_sweep, draw_sweep, shade_edges
from app.experiments.catalogue.survival import SURVIVAL
from app.measurements import Provenance
from app.reproducibility import recorded_sweeps
from app.reproducibility.recorded_sweeps import RecordedSweep
from tests.reproducibility.test_recorded_sweeps import SWEPT, cells, ended, run_of

RATES = dict.fromkeys(SURVIVAL.sweep.values if SURVIVAL.sweep else (), 0.9)


@pytest.fixture
def recorded(tmp_path: Path) -> RecordedSweep:
    """Three seeds: all rates alike but for the two highest; at the last, everything diverged."""
    recorded_sweeps.save(cells({**RATES, 0.7: 0.125, 1.0: 0.0}, seeds=3), "a command", tmp_path)
    loaded = recorded_sweeps.load("survival", tmp_path)
    assert loaded is not None
    receipt = {**loaded.receipt, "seeds": 3, "hardware": "A", "versions": {"torch": "1"}}
    return RecordedSweep(receipt, loaded.ends)


def test_a_cell_has_its_number_and_its_shade(recorded: RecordedSweep) -> None:
    plain, normed = draw_sweep(SURVIVAL, recorded)
    assert (plain.panel.arm, normed.panel.arm) == ("cnn", "bn")
    seeds, rows = zip(*normed.rows, strict=True)
    assert seeds == (1, 2, 3)
    assert [(cell.text, cell.shade) for cell in rows[0]][-3:] == [
        ("90.0", "9"),
        ("12.5", "1"),
        ("×", "x"),
    ]
    assert [(cell.text, cell.shade) for cell in plain.rows[0][1]][-3] == ("45.0", "4")
    assert normed.medians == ["90.0"] * 6 + ["12.5", "×"]
    assert normed.diverged


def test_a_value_at_the_end_of_the_scale_or_beyond_has_the_last_shade(tmp_path: Path) -> None:
    recorded_sweeps.save(cells(dict.fromkeys(RATES, 1.0), seeds=10), "a command", tmp_path)
    loaded = recorded_sweeps.load("survival", tmp_path)
    assert loaded is not None
    _, normed = draw_sweep(SURVIVAL, loaded)
    assert {cell.shade for _, row in normed.rows for cell in row} == {str(SHADES - 1)}
    assert not normed.diverged


def test_the_key_names_where_each_shade_begins() -> None:
    assert shade_edges(SURVIVAL) == [str(10 * k) for k in range(11)]


def test_a_run_that_gave_what_the_map_has_is_told_so(recorded: RecordedSweep) -> None:
    run = run_of(0.1, 2, {"cnn": ended("cnn", 2, 0.45), "bn": ended("bn", 2, 0.9)})
    assert compare_with_sweep(run, recorded) == (
        "For learning rate 0.1 and seed 2 the maps have 45.0% (Plain) and 90.0% (BatchNorm). "
        "Your run gave the same, digit for digit."
    )


def test_divergence_is_what_the_map_has_whatever_its_last_values(recorded: RecordedSweep) -> None:
    run = run_of(1.0, 1, {arm: ended(arm, 1, 0.0) for arm in ("cnn", "bn")})
    text = compare_with_sweep(run, recorded)
    assert text is not None
    assert "“diverged” (Plain) and “diverged” (BatchNorm)" in text
    assert text.endswith("digit for digit.")


def test_a_run_that_gave_something_else_is_told_where_both_come_from(
    recorded: RecordedSweep,
) -> None:
    run = run_of(0.1, 2, {"cnn": ended("cnn", 2, 0.45), "bn": ended("bn", 2, 0.9000001)})
    run.provenance = Provenance("cpu", "B", {"torch": "2"})
    text = compare_with_sweep(run, recorded)
    assert text is not None
    assert "Your run gave 45.0% and 90.0%." in text
    assert "the maps come from PyTorch 1 on A, your run from PyTorch 2 on B." in text


def test_a_run_that_is_no_cell_is_not_compared(recorded: RecordedSweep) -> None:
    run = run_of(0.15, 2, {"cnn": ended("cnn", 2, 0.45), "bn": ended("bn", 2, 0.9)})
    assert compare_with_sweep(run, recorded) is None


def test_every_map_is_a_table_of_the_recorded_numbers(reader: httpx.Client) -> None:
    """Legible without a script: headers for rows and columns, the numbers, their medians."""
    page = reader.get("/").text
    for experiment in SWEPT:
        recorded = recorded_sweeps.load(experiment.slug)
        assert recorded is not None
        start = page.index(f'data-sweep="{experiment.slug}"')
        tables = re.findall(r"<table[^>]*data-map.*?</table>", page[start:], re.DOTALL)
        for table, drawing in zip(tables, draw_sweep(experiment, recorded), strict=False):
            head, *rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
            assert experiment.sweep is not None
            assert re.findall(r'scope="col">([^<]*)', head) == [
                "seed",
                *(f"{value:g}" for value in experiment.sweep.values),
            ]
            shown = [re.findall(r'(?:class="l(.)"|<td)>([^<]*)', row) for row in rows]
            assert shown[:-1] == [
                [(cell.shade, cell.text) for cell in row] for _, row in drawing.rows
            ]
            assert [text for _, text in shown[-1]] == drawing.medians
