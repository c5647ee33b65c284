import math
import re

import pytest

from app import recordings
from app.events import Row
from app.experiments.loss_surface import LOSS_SURFACE
from app.web.maps import HIGHEST_SHARE, SHADES, draw_histogram, draw_surfaces, loss_edges, shades_of

CNN, BN = LOSS_SURFACE.arms

# The project's own bound for one drawing.
HEAVIEST = 6_000


def inputs(counts: list[float], step: int = 0, seed: int = 1, arm: str = "cnn") -> Row:
    half = 4 / len(counts)
    return Row(arm, seed, step, "inputs", -4 + half, 4 - half, counts)


def test_a_histogram_is_the_outline_of_its_shares() -> None:
    drawing = draw_histogram([inputs([1, 1, 1, 1]), inputs([1, 2, 2, 3], step=2)], CNN)
    assert drawing is not None
    assert drawing.step == 2
    assert drawing.bars == "M0 0V12.5H1V25H3V37.5H4V0"
    assert drawing.first == "M0 0V25H4V0"
    assert (drawing.low, drawing.high) == (-4, 4)
    assert drawing.cut == []


def test_the_moments_of_a_histogram_are_those_of_the_middles_of_its_bins() -> None:
    drawing = draw_histogram([inputs([0, 5, 5, 0])], CNN)
    assert drawing is not None
    assert drawing.mean == pytest.approx(0)
    assert drawing.deviation == pytest.approx(1)
    assert drawing.bin_of(drawing.mean) == 2


def test_a_bar_that_does_not_fit_is_cut_and_its_share_is_told() -> None:
    drawing = draw_histogram([inputs([0, 3, 1, 0])], CNN)
    assert drawing is not None
    assert drawing.cut == [(1, 75)]
    assert f"V{HIGHEST_SHARE}" in drawing.bars
    assert "V75" not in drawing.bars


def test_of_several_seeds_the_first_is_drawn_and_of_no_rows_nothing() -> None:
    rows = [inputs([1, 0, 0, 0]), inputs([0, 0, 0, 1], seed=2), inputs([1, 0, 0, 0], arm="bn")]
    drawing = draw_histogram(rows, CNN)
    assert drawing is not None
    assert drawing.mean < 0
    assert draw_histogram([], CNN) is None


@pytest.mark.parametrize(
    ("losses", "edges"),
    [
        ([0.37, 2.4], [0.32, 0.4, 0.5, 0.63, 0.8, 1, 1.25, 1.6, 2, 2.5]),
        ([0.9, 1.0], [0.8, 1]),
        ([1.0], [1, 1.25]),
        ([0.1, 20], [0.1, 0.16, 0.25, 0.4, 0.63, 1, 1.6, 2.5, 4, 6.3, 10, 16, 25]),
        ([0.02, 40], [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]),
        ([], [1, 1.25]),
    ],
)
def test_the_edges_are_round_and_lie_around_the_losses(
    losses: list[float], edges: list[float]
) -> None:
    assert loss_edges(losses) == edges


def test_there_are_never_more_bands_than_shades() -> None:
    for low, high in ((1e-9, 1e9), (1e-3, 1e3), (0.2, 3.5), (2, 2)):
        assert 2 <= len(loss_edges([low, high])) <= SHADES + 1
    for bands in range(1, SHADES + 1):
        shades = shades_of(bands)
        assert shades[0] == 0
        assert len(set(shades)) == bands
        assert shades[-1] == (SHADES - 1 if bands > 1 else 0)


def surface(arm: str, losses: list[list[float]]) -> list[Row]:
    last = len(losses) - 1
    return [
        Row(arm, 1, 100, "surface", -1, 1, row, y=2 * index / last - 1)
        for index, row in enumerate(losses)
    ]


def test_the_same_loss_has_the_same_shade_in_both_maps() -> None:
    rows = surface("cnn", [[0.3, 0.3], [2.0, 2.0]]) + surface("bn", [[2.0, 2.0], [2.0, 2.0]])
    drawing = draw_surfaces(rows, LOSS_SURFACE.arms)
    plain, normed = ({shade for shade, _ in each.shades} for each in drawing.surfaces)
    assert len(plain) == 2
    assert normed < plain


def test_every_cell_is_drawn_once_and_a_loss_that_is_not_finite_is_of_the_highest_shade() -> None:
    rows = surface("cnn", [[0.3, 2.0, math.nan], [0.3, 0.3, 2.0], [0.3, 0.3, 0.3]])
    drawing = draw_surfaces(rows, [CNN])
    cells = sum(
        int(width)
        for _, path in drawing.surfaces[0].shades
        for width in re.findall(r"h(\d+)", path)
    )
    assert cells == 9
    assert dict(drawing.surfaces[0].shades)[drawing.shades[-1]]


def test_the_recorded_surfaces_are_light() -> None:
    recording = recordings.load("loss-surface")
    assert recording is not None
    for each in draw_surfaces(recording.rows, LOSS_SURFACE.arms).surfaces:
        assert 0 < sum(len(path) for _, path in each.shades) <= HEAVIEST
