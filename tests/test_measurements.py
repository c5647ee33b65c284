import csv
import hashlib
import io
import itertools
import math

from app.events import ArmEnded, Points, TrainingEvent
from app.measurements import Measurements

ARMS = ["b", "a"]


def training(arm: str, seed: int) -> list[TrainingEvent]:
    first, second = seed + 0.5, seed + 0.25
    return [
        Points(arm, seed, [0], {"loss": [first], "accuracy": [0.1]}),
        Points(arm, seed, [2], {"loss": [second], "accuracy": [0.2]}),
        ArmEnded(arm, seed, "finished", {"loss": second, "accuracy": 0.2}),
    ]


def taken(*trainings: list[TrainingEvent]) -> Measurements:
    measured = Measurements(ARMS)
    for events in trainings:
        for event in events:
            measured.add(event)
    return measured


def test_the_csv_is_tidy_and_sorted_by_arm_as_the_experiment_lists_them() -> None:
    assert taken(training("a", 1), training("b", 2), training("b", 1)).csv() == (
        "arm,seed,step,metric,value\n"
        "b,1,0,loss,1.5\nb,1,0,accuracy,0.1\nb,1,2,loss,1.25\nb,1,2,accuracy,0.2\n"
        "b,2,0,loss,2.5\nb,2,0,accuracy,0.1\nb,2,2,loss,2.25\nb,2,2,accuracy,0.2\n"
        "a,1,0,loss,1.5\na,1,0,accuracy,0.1\na,1,2,loss,1.25\na,1,2,accuracy,0.2\n"
    )


def test_the_order_of_arrival_does_not_matter() -> None:
    trainings = [training("a", 1), training("b", 1), training("a", 2)]
    one_by_one = {taken(*order).csv() for order in itertools.permutations(trainings)}
    interleaved = taken([event for row in zip(*trainings, strict=True) for event in row])
    assert one_by_one == {interleaved.csv()}


def test_the_digest_is_the_sha256_of_the_csv() -> None:
    measured = taken(training("a", 1))
    assert measured.digest() == "sha256:" + hashlib.sha256(measured.csv().encode()).hexdigest()
    assert measured.digest() != taken(training("a", 2)).digest()


def test_a_value_in_the_csv_is_the_number_to_its_last_bit() -> None:
    exact = 0.1 + 0.2
    measured = taken([Points("a", 1, [0], {"loss": [exact]})])
    (row,) = csv.DictReader(io.StringIO(measured.csv()))
    assert float(row["value"]) == exact


def test_a_value_that_is_not_finite_is_an_empty_field() -> None:
    measured = taken([Points("a", 1, [0, 2, 4], {"loss": [math.nan, math.inf, 1.0]})])
    assert measured.csv().splitlines()[1:] == ["a,1,0,loss,", "a,1,2,loss,", "a,1,4,loss,1.0"]


def test_final_values_are_those_of_trainings_that_ended() -> None:
    measured = taken(training("a", 2), training("a", 1), training("b", 1)[:2])
    assert measured.final_values("a", "loss") == {1: 1.25, 2: 2.25}
    assert list(measured.final_values("a", "loss")) == [1, 2]
    assert measured.final_values("b", "loss") == {}


def test_the_state_of_an_arm_counts_those_that_diverged() -> None:
    lost = ArmEnded("a", 3, "diverged", {"loss": math.nan})
    assert taken(training("a", 1), training("a", 2)).end_state("a") == "finished"
    assert taken(training("a", 1), training("a", 2), [lost]).end_state("a") == "1 of 3 diverged"


def test_merging_makes_each_training_one_event_and_its_end() -> None:
    points, ended = taken(training("a", 1)).merged_events()
    assert points == Points("a", 1, [0, 2], {"loss": [1.5, 1.25], "accuracy": [0.1, 0.2]})
    assert ended == training("a", 1)[-1]


def test_runs_taken_together_are_what_one_run_would_have_measured() -> None:
    first, second = taken(training("a", 2), training("b", 1)), taken(training("a", 1))
    together = taken()
    for part in (first, second):
        together.merge(part)
    assert together.csv() == taken(training("a", 1), training("a", 2), training("b", 1)).csv()
    assert together.final_values("a", "loss") == {1: 1.25, 2: 2.25}
    assert first.final_values("a", "loss") == {2: 2.25}
