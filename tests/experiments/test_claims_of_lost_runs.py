"""Real runs in which BatchNorm lost: the verdict has to say so.

Each file was made by `python -m app train SLUG --seed 1 --set … --csv FILE`, with the settings
below; the histograms of covariate-shift, on which no claim rests, were left out.
"""

import csv
from itertools import groupby
from pathlib import Path

import pytest

from app.events import ArmEnded, Points, Verdict
from app.experiments import find
from app.experiments.claims import judge
from app.measurements import Measurements

FOLDER = Path(__file__).parent / "lost"


def verdict_on(slug: str) -> Verdict:
    experiment = find(slug)
    measured = Measurements([arm.id for arm in experiment.arms])
    with (FOLDER / f"{slug}.csv").open() as file:
        rows = [
            (r["arm"], int(r["seed"]), int(r["step"]), r["metric"], float(r["value"]))
            for r in csv.DictReader(file)
        ]
    for (arm, seed), training in groupby(rows, key=lambda row: row[:2]):
        last = {}
        for _, _, step, metric, value in training:
            measured.add(Points(arm, seed, [step], {metric: [value]}))
            last[metric] = value
        measured.add(ArmEnded(arm, seed, "finished", last))
    return judge(experiment.claims, measured)


@pytest.mark.parametrize(
    ("slug", "settings", "words"),
    [
        ("learning-rates", "gamma0=1 steps=60", "8.8% of the test images right, short of 80%"),
        ("smoothness", "depth=2 steps=40", "the loss varied more with BatchNorm"),
        ("smoothness", "depth=2 steps=40", "The effective β was higher with BatchNorm"),
        ("covariate-shift", "learning_rate=0.3 steps=30", "no better than the plain network"),
    ],
)
def test_a_run_that_batchnorm_lost_says_so(slug: str, settings: str, words: str) -> None:
    verdict = verdict_on(slug)
    assert verdict.holds is False
    assert words in verdict.text
