"""`python -m bench.drain`: the trainings of a figure, drained in this process and nothing else.

It reads a seed a line, trains the first figure's arms one after the other, and prints the seconds
that they took: what a run costs without engine, log and stream.
"""

import sys
import time

from app.experiments.catalogue.learning_rates import LEARNING_RATES
from app.settings import Settings
from app.training.trainer import prepare


def main() -> None:
    """Says `ready` once it is warm."""
    settings = Settings()
    trainer = prepare(settings.data_dir, settings.cache_dir, settings.device)
    print("ready", flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for spec in LEARNING_RATES.trainings(LEARNING_RATES.parse({"seed": int(line)})):
            for _ in trainer.train(spec):
                pass
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
