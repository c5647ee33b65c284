"""What settings of single experiments lead to."""

from app.experiments.catalogue.learning_rates import LEARNING_RATES
from app.experiments.catalogue.rates import BEST, RATES


def test_each_network_has_its_own_best_rate_unless_one_is_asked_for() -> None:
    for optimizer, (plain, normed) in BEST.items():
        request = RATES.parse({"seed": 5, "optimizer": optimizer})
        specs = {spec.arm: spec for spec in RATES.trainings(request)}
        assert (specs["cnn"].learning_rate, specs["bn"].learning_rate) == (plain, normed)
        assert {spec.optimizer for spec in specs.values()} == {optimizer}
    shared = RATES.trainings(RATES.parse({"seed": 5, "learning_rate": 0.2}))
    assert {spec.learning_rate for spec in shared} == {0.2}


def test_only_the_plain_gradient_is_shortened() -> None:
    specs = LEARNING_RATES.trainings(LEARNING_RATES.parse({"seed": 5, "longest_gradient": 1.5}))
    assert {spec.arm: spec.longest_gradient for spec in specs} == {
        "cnn@0.1": 1.5,
        "cnn@0.5": 1.5,
        "bn@0.1": 0,
        "bn@0.5": 0,
    }
