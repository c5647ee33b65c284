from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.events import ArmEnded, Points, Row, TrainingEvent
from app.experiments.architectures import Norm, shallow
from app.experiments.catalogue.covariate_shift import COVARIATE_SHIFT
from app.experiments.catalogue.depth import DEPTH
from app.experiments.catalogue.loss_surface import LOSS_SURFACE
from app.experiments.catalogue.smoothness import SMOOTHNESS
from app.experiments.catalogue.weight_scale import WEIGHT_SCALE
from app.experiments.definition import Every, TrainingSpec
from app.training.datasets import Dataset
from app.training.loop import train
from app.training.measures import EVALUATIONS, MEASURES
from app.training.steps import Batch

NORMS: tuple[Norm, ...] = ("none", "batch")


class Watched(Tensor):
    """Labels that note which of them were asked for."""

    asked: list[list[int]]

    def __getitem__(self, which: Any) -> Tensor:
        if isinstance(which, Tensor):
            self.asked.append(which.tolist())
        return super().__getitem__(which).as_subclass(Tensor)


@pytest.fixture
def watched(dataset: Dataset) -> Dataset:
    labels = dataset.train_labels.as_subclass(Watched)
    labels.asked = []
    return replace(dataset, train_labels=labels)


def batches_of(spec: TrainingSpec, watched: Dataset) -> list[list[int]]:
    assert isinstance(watched.train_labels, Watched)
    watched.train_labels.asked.clear()
    list(train(spec, watched))
    return list(watched.train_labels.asked)


class Networks:
    """A measure that measures nothing: it keeps the parameters at each step."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Tensor]] = []

    def __call__(self, network: nn.Sequential, batches: Sequence[Batch]) -> Mapping[str, float]:
        self.seen.append({name: p.detach().clone() for name, p in network.named_parameters()})
        self.network = network
        return {"test_loss": 0.0}


@pytest.fixture
def networks() -> Iterator[Networks]:
    """Found under its name, as any measure is."""
    EVALUATIONS["networks"] = found = Networks()
    yield found
    del EVALUATIONS["networks"]


def points(events: Sequence[TrainingEvent]) -> list[Points]:
    return [event for event in events if isinstance(event, Points)]


def steps(events: Sequence[TrainingEvent]) -> list[int]:
    return [step for event in points(events) for step in event.step]


def test_the_same_spec_gives_the_same_events(
    dataset: Dataset, specs: dict[str, TrainingSpec]
) -> None:
    for spec in specs.values():
        torch.manual_seed(1)
        first = list(train(spec, dataset))
        torch.manual_seed(2)  # nothing comes from the global state
        assert list(train(spec, dataset)) == first


def test_another_seed_gives_other_numbers(dataset: Dataset, specs: dict[str, TrainingSpec]) -> None:
    spec = specs["bn@0.1"]
    ours, theirs = (list(train(replace(spec, seed=seed), dataset)) for seed in (3, 4))
    assert points(ours)[-1].values != points(theirs)[-1].values


@pytest.mark.parametrize(
    ("count", "reported"), [(4, [0, 2, 4]), (5, [0, 2, 4, 5]), (1, [0, 1]), (0, [0])]
)
def test_every_second_step_is_reported_and_the_last(
    dataset: Dataset, specs: dict[str, TrainingSpec], count: int, reported: list[int]
) -> None:
    assert steps(list(train(replace(specs["bn@0.1"], steps=count), dataset))) == reported


def test_the_last_event_sums_up_the_last_point(
    dataset: Dataset, specs: dict[str, TrainingSpec]
) -> None:
    *_, last, ended = train(specs["bn@0.5"], dataset)
    assert isinstance(last, Points)
    assert isinstance(ended, ArmEnded)
    assert (ended.arm, ended.seed, ended.state) == ("bn@0.5", 3, "finished")
    assert {name: [value] for name, value in ended.summary.items()} == last.values


def test_every_point_names_its_training_and_holds_every_metric(
    dataset: Dataset, specs: dict[str, TrainingSpec]
) -> None:
    for point in points(list(train(specs["cnn@0.1"], dataset))):
        assert (point.arm, point.seed) == ("cnn@0.1", 3)
        assert set(point.values) == {"test_loss", "test_accuracy", "dead_units"}
        assert {len(values) for values in point.values.values()} == {len(point.step)}


def test_training_learns(dataset: Dataset, specs: dict[str, TrainingSpec]) -> None:
    events = list(train(replace(specs["cnn@0.1"], steps=40, evaluate_every=40), dataset))
    first, last = (point.values for point in points(events))
    assert last["test_loss"][0] < first["test_loss"][0]
    assert last["test_accuracy"][0] > 0.4


@pytest.mark.parametrize("norm", NORMS)
def test_a_step_is_the_step_of_torchs_own_sgd(
    dataset: Dataset, specs: dict[str, TrainingSpec], networks: Networks, norm: Norm
) -> None:
    """On 20 images in all, so that the batch is known whatever its order."""
    few = replace(
        dataset, train_images=dataset.train_images[:20], train_labels=dataset.train_labels[:20]
    )
    architecture = shallow(norm, "after_pooling", 0.1)
    spec = replace(
        specs["cnn@0.5"], architecture=architecture, evaluation="networks", evaluate_every=1
    )
    list(train(replace(spec, steps=3), few))

    network = networks.network.train()
    network.load_state_dict(networks.seen[0], strict=False)
    plain = torch.optim.SGD(network.parameters(), lr=0.5)
    images, labels = few.train_images.float() / 255, few.train_labels
    for seen in networks.seen[1:]:
        plain.zero_grad()
        torch.autograd.backward(F.cross_entropy(network(images), labels))
        plain.step()
        for name, parameter in network.named_parameters():
            torch.testing.assert_close(parameter.detach(), seen[name], rtol=1e-4, atol=1e-6)
    assert len(networks.seen) == 4
    assert not torch.equal(networks.seen[0]["0.weight"], networks.seen[1]["0.weight"])


def test_every_parameter_is_trained(
    dataset: Dataset, specs: dict[str, TrainingSpec], networks: Networks
) -> None:
    list(train(replace(specs["bn@0.1"], evaluation="networks"), dataset))
    first, *_, last = networks.seen
    assert len(first) == 10
    assert [name for name in first if torch.equal(first[name], last[name])] == []


def test_arms_of_a_seed_see_the_same_batches(
    watched: Dataset, specs: dict[str, TrainingSpec]
) -> None:
    first, *others = (batches_of(spec, watched) for spec in specs.values())
    # Four to train on; the network that they lead to is looked at on a fifth.
    assert [len(batch) for batch in first] == [20] * 5
    assert all(other == first for other in others)


def test_seeds_see_different_batches(watched: Dataset, specs: dict[str, TrainingSpec]) -> None:
    spec = specs["cnn@0.1"]
    ours, theirs = (batches_of(replace(spec, seed=seed), watched) for seed in (3, 4))
    assert set(ours[0]) != set(theirs[0])


def test_an_epoch_sees_each_image_once_and_the_next_one_in_another_order(
    dataset: Dataset, specs: dict[str, TrainingSpec]
) -> None:
    labels = dataset.train_labels[:65].as_subclass(Watched)
    labels.asked = []
    few = replace(dataset, train_images=dataset.train_images[:65], train_labels=labels)
    batches = batches_of(replace(specs["cnn@0.1"], steps=5), few)
    assert [len(batch) for batch in batches] == [20] * 6  # the rest of 5 is dropped
    first, second = (list(chain(*batches[i : i + 3])) for i in (0, 3))
    assert len(set(first)) == len(set(second)) == 60
    assert first != second


def test_the_test_images_are_spread_over_the_whole_file(
    dataset: Dataset, specs: dict[str, TrainingSpec]
) -> None:
    """Its first 5,000 are the easier ones."""
    shown: list[Batch] = []

    def notes(network: nn.Sequential, batches: Sequence[Batch]) -> Mapping[str, float]:
        shown.extend(batches)
        return {"test_loss": 0.0}

    EVALUATIONS["notes"] = notes
    list(train(replace(specs["cnn@0.1"], evaluation="notes", steps=0, test_images=1000), dataset))
    del EVALUATIONS["notes"]
    images = torch.cat([images for images, _ in shown])
    assert torch.equal(torch.cat([labels for _, labels in shown]), dataset.test_labels[::10])
    assert torch.equal(images, dataset.test_images[::10].float() / 255)


@pytest.mark.parametrize("norm", NORMS)
def test_an_absurd_learning_rate_diverges_and_keeps_its_last_point(
    dataset: Dataset, specs: dict[str, TrainingSpec], norm: Norm
) -> None:
    spec = replace(
        specs["cnn@0.5"], architecture=shallow(norm, "after_pooling", 0.1), learning_rate=1e30
    )
    *_, last, ended = events = list(train(replace(spec, steps=20, evaluate_every=1), dataset))
    assert isinstance(last, Points)
    assert isinstance(ended, ArmEnded)
    assert ended.state == "diverged"
    assert str({name: [value] for name, value in ended.summary.items()}) == str(last.values)
    assert steps(events)[-1] < 20
    assert not abs(ended.summary["test_loss"]) < spec.diverged_above


def test_a_finite_loss_above_the_bound_is_divergence_too(
    dataset: Dataset, specs: dict[str, TrainingSpec]
) -> None:
    events = list(train(replace(specs["cnn@0.1"], diverged_above=1.0), dataset))
    assert steps(events) == [0]
    assert isinstance(events[-1], ArmEnded)
    assert events[-1].state == "diverged"


def test_a_training_does_nothing_until_it_is_asked(
    watched: Dataset, specs: dict[str, TrainingSpec]
) -> None:
    events = train(replace(specs["cnn@0.1"], evaluation="no-such-measure"), watched)
    with pytest.raises(KeyError, match="no-such-measure"):
        next(events)

    assert isinstance(watched.train_labels, Watched)
    endless = train(replace(specs["cnn@0.1"], steps=10**9), watched)
    assert watched.train_labels.asked == []
    assert steps(list(islice(endless, 1))) == [0]
    assert watched.train_labels.asked == []
    assert steps(list(islice(endless, 1))) == [2]
    assert len(watched.train_labels.asked) == 2


def rows(events: Sequence[TrainingEvent], metric: str) -> list[Row]:
    return [event for event in events if isinstance(event, Row) and event.metric == metric]


def test_precise_statistics_change_the_test_and_not_the_training(
    dataset: Dataset, specs: dict[str, TrainingSpec]
) -> None:
    """Early on BatchNorm's running averages lag; plain networks have none."""
    for arm, differs in (("bn@0.1", True), ("cnn@0.1", False)):
        spec = replace(specs[arm], steps=8, measures=(Every(1, ("loss",)),))
        running, precise = (
            {
                (name, step): value
                for each in points(list(train(replace(spec, statistics=kind), dataset)))
                for name, values in each.values.items()
                for step, value in zip(each.step, values, strict=True)
            }
            for kind in ("running", "precise")
        )
        losses = {key for key in running if key[0] == "train_loss"}
        assert all(running[key] == precise[key] for key in losses)
        assert (running["test_loss", 8] != precise["test_loss", 8]) == differs


def test_the_line_leads_to_the_network_of_the_next_seed(dataset: Dataset) -> None:
    for arm in LOSS_SURFACE.arms:
        spec = LOSS_SURFACE.parse({"seed": 3, "steps": 10}).training(arm, 3)
        small = replace(spec, surface_points=3, surface_images=40, test_images=100)
        ours, theirs = (list(train(replace(small, seed=seed), dataset)) for seed in (3, 4))
        (line,) = rows(ours, "line")
        centres = [rows(events, "surface")[1].values[1] for events in (ours, theirs)]
        at = dict(zip([round(place, 6) for place in line.positions()], line.values, strict=True))
        assert [at[0], at[1]] == pytest.approx(centres, rel=1e-4)
        assert [row.y for row in rows(ours, "surface")] == [-1, 0, 1]


def test_histograms_come_at_their_steps_and_for_the_first_seed_alone(dataset: Dataset) -> None:
    request = COVARIATE_SHIFT.parse({"seed": 3, "seeds": 2, "steps": 10})
    for arm in COVARIATE_SHIFT.arms:
        first, second = (
            list(train(replace(request.training(arm, seed), test_images=100), dataset))
            for seed in (3, 4)
        )
        assert [row.step for row in rows(first, "inputs")] == [0, 2, 4, 6, 8, 10]
        assert rows(second, "inputs") == []


def test_a_measure_is_taken_at_its_steps_and_at_the_last(dataset: Dataset) -> None:
    spec = SMOOTHNESS.parse({"seed": 3, "steps": 10, "depth": 2}).training(SMOOTHNESS.arms[1], 3)
    measured: dict[str, list[int]] = {}
    for event in points(list(train(replace(spec, test_images=100), dataset))):
        for metric in event.values:
            measured.setdefault(metric, []).extend(event.step)
    assert measured["test_accuracy"] == [0, 10]
    assert measured["beta"] == measured["beta_activation"] == [0, 4, 8, 10]
    assert measured["train_loss"] == list(range(11))
    assert measured["loss_change"] == list(range(1, 11))


def test_a_measure_of_every_0_steps_is_taken_at_the_start_alone(dataset: Dataset) -> None:
    spec = WEIGHT_SCALE.parse({"seed": 3, "steps": 10}).training(WEIGHT_SCALE.arms[1], 3)
    events = list(train(replace(spec, test_images=100), dataset))
    assert [row.step for row in rows(events, "scaled_loss")] == [0]
    assert steps([e for e in points(events) if "loss_spread" in e.values]) == [0]


def test_a_measure_may_yield_points_and_lines_of_the_same_step(dataset: Dataset) -> None:
    spec = DEPTH.parse({"seed": 3, "steps": 10, "depth": 3}).training(DEPTH.arms[1], 3)
    events = list(train(replace(spec, test_images=100), dataset))
    sizes = rows(events, "activation_size")
    grown = [e for e in points(events) if "activation_growth" in e.values]
    assert [row.step for row in sizes] == steps(grown) == [0, 4, 8, 10]
    for row, point in zip(sizes, grown, strict=True):
        assert row.positions() == [1, 2, 3]
        (ratio,) = point.values["activation_growth"]
        assert ratio == pytest.approx(row.values[-1] / row.values[0], rel=1e-5)


@pytest.mark.parametrize("norm", NORMS)
def test_measuring_changes_nothing_of_the_training(dataset: Dataset, norm: Norm) -> None:
    """Parameters, running averages, noise and the next batches: the curve is the same."""
    arm = next(arm for arm in COVARIATE_SHIFT.arms if arm.norm == norm and arm.noise)
    spec = replace(
        COVARIATE_SHIFT.parse({"seed": 3}).training(arm, 3),
        steps=4,
        test_images=100,
        evaluate_every=2,
        loss="test_loss",
    )
    bare = replace(spec, measures=())
    everything = replace(spec, measures=(Every(1, tuple(MEASURES)),))
    curves = [
        [
            (event.step, event.values["test_loss"])
            for event in points(list(train(each, dataset)))
            if "test_loss" in event.values
        ]
        for each in (bare, everything)
    ]
    assert curves[0] == curves[1]
    assert len(curves[0]) == 3
