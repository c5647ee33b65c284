"""The floor counts what is multiplied and added."""

from app.experiments.catalogue.learning_rates import LEARNING_RATES
from bench.floor import operations


def test_the_operations_of_the_first_figure_are_those_counted_by_hand() -> None:
    request = LEARNING_RATES.parse({"seed": 0})
    # 8 maps of 28 × 28 from 5 × 5 × 1 each, 16 of 14 × 14 from 5 × 5 × 8, 10 numbers from 784.
    first, others = 2 * 8 * 784 * 25, 2 * 16 * 196 * 200 + 2 * 10 * 784
    a_step = 20 * (3 * (first + others) - first)
    an_evaluation = 1_000 * (first + others)
    a_training = 101 * a_step + 51 * an_evaluation
    assert operations(list(LEARNING_RATES.trainings(request))) == 4 * a_training
