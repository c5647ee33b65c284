"""`python -m bench.together`: the first figure with five seeds, side by side and one by one.

In one process, on the device that `BATCHNORM_DEVICE` names; both sides in turn, seconds and their
ratio. What an engine with `BATCHNORM_DEVICE=cuda` trains is the first of them.
"""

import sys
import time
from collections.abc import Iterable
from statistics import median

from app.experiments.catalogue.learning_rates import LEARNING_RATES
from app.experiments.definition import TrainingSpec
from app.settings import Settings
from app.training.trainer import Trainer, prepare

PAIRS, SEEDS = 5, 5


def main() -> None:
    settings = Settings()
    trainer = prepare(settings.data_dir, settings.cache_dir, settings.device)
    if trainer.provenance.device != "cuda":
        print("no CUDA device here: what follows is no GPU's", file=sys.stderr)
    ratios = []
    for pair in range(PAIRS + 1):
        request = LEARNING_RATES.parse({"seed": pair * SEEDS, "seeds": SEEDS})
        one_by_one = _seconds(trainer, LEARNING_RATES.trainings(request))
        beside = _seconds(trainer, LEARNING_RATES.trainings(request, side_by_side="batched"))
        if pair:  # the first warms up
            ratios.append(beside / one_by_one)
            print(f"{beside:.2f} s against {one_by_one:.2f} s")
    print(
        f"{median(ratios):.2f} [{min(ratios):.2f}–{max(ratios):.2f}], n = {PAIRS}, "
        f"{trainer.provenance.hardware}"
    )


def _seconds(trainer: Trainer, specs: Iterable[TrainingSpec]) -> float:
    began = time.perf_counter()
    for spec in specs:
        for _ in trainer.train(spec):
            pass
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
