import math
from collections import Counter
from dataclasses import replace

import pytest

from app.article.assets import STATIC_FOLDER as STATIC
from app.errors import InvalidRequest, UnknownExperiment
from app.events import Points, Row
from app.experiments import EXPERIMENTS, find
from app.experiments.architectures import PLACEMENTS, BatchNorm, Linear
from app.experiments.catalogue.deep_linear import DEEP_LINEAR
from app.experiments.catalogue.gamma_beta import GAMMA_BETA
from app.experiments.catalogue.learning_rates import LEARNING_RATES
from app.experiments.claims import judge
from app.experiments.definition import MAX_SEED, MAX_WORK, Experiment
from app.measurements import Measurements
from app.training.measures import EVALUATIONS, MEASURES
from app.training.networks import TRAINED, build

every_experiment = pytest.mark.parametrize(
    "experiment", EXPERIMENTS.values(), ids=lambda experiment: experiment.slug
)


SEED_BOUND = f"a whole number from 0 to {MAX_SEED}"


def problems_of(values: dict[str, object], *, text: bool = False) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as raised:
        LEARNING_RATES.parse(values, text=text)
    return {problem.field: problem.message for problem in raised.value.problems}


@pytest.mark.parametrize(
    ("field", "value", "bound"),
    [
        ("seed", -1, SEED_BOUND),
        ("seed", MAX_SEED + 1, SEED_BOUND),
        ("seed", 10**30, SEED_BOUND),
        ("seed", "abc", SEED_BOUND),
        ("seed", "7", SEED_BOUND),
        ("seed", 7.5, SEED_BOUND),
        ("seed", None, SEED_BOUND),
        ("seed", True, SEED_BOUND),
        ("seed", [7], SEED_BOUND),
        ("seeds", 0, "a whole number from 1 to 10"),
        ("seeds", 100_000, "a whole number from 1 to 10"),
        ("steps", 9, "a whole number from 10 to 400"),
        ("steps", 401, "a whole number from 10 to 400"),
        ("gamma0", 0, "a number from 0.01 to 2"),
        ("gamma0", 2.1, "a number from 0.01 to 2"),
        ("gamma0", math.nan, "a number from 0.01 to 2"),
        ("gamma0", math.inf, "a number from 0.01 to 2"),
        ("gamma0", True, "a number from 0.01 to 2"),
        ("placement", "nowhere", "one of before_relu, after_pooling"),
        ("momentum", 0.9, "not a parameter of this experiment"),
    ],
)
def test_a_bad_value_is_named_with_its_bound(field: str, value: object, bound: str) -> None:
    problems = problems_of({"seed": 1, field: value})
    assert list(problems) == [field]
    assert bound in problems[field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", "-1"),
        ("seed", "abc"),
        ("seed", ""),
        ("seed", "1" * 5000),
        ("seeds", "100000"),
        ("gamma0", "nan"),
        ("gamma0", "true"),
        ("nonsense", "1"),
    ],
)
def test_a_bad_text_is_named_too(field: str, value: str) -> None:
    assert list(problems_of({field: value}, text=True)) == [field]


def test_all_bad_fields_are_named_at_once() -> None:
    assert set(problems_of({"seed": -1, "steps": 1, "x": 1})) == {"seed", "steps", "x"}


def test_texts_are_read_as_numbers_where_texts_are_expected() -> None:
    values = {"seed": "7", "seeds": "2", "gamma0": "0.5", "placement": "before_relu"}
    read = LEARNING_RATES.parse(values, text=True)
    assert read == LEARNING_RATES.parse(
        {"seed": 7, "seeds": 2, "gamma0": 0.5, "placement": "before_relu"}
    )


def test_the_work_of_a_run_is_bounded_in_total() -> None:
    arms = len(LEARNING_RATES.arms)
    fitting = MAX_WORK // (400 * arms)
    LEARNING_RATES.parse({"seeds": fitting, "steps": 400})
    message = problems_of({"seeds": fitting + 1, "steps": 400})["seeds"]
    assert f"at most {fitting}" in message


def test_a_seed_is_drawn_where_none_is_given() -> None:
    seeds = {LEARNING_RATES.parse({}).seed for _ in range(20)}
    assert len(seeds) == 20
    assert all(0 <= seed <= MAX_SEED for seed in seeds)


def test_the_highest_seed_is_allowed() -> None:
    request = LEARNING_RATES.parse({"seed": MAX_SEED, "seeds": 2})
    assert {spec.seed for spec in LEARNING_RATES.trainings(request)} == {MAX_SEED, MAX_SEED + 1}


@every_experiment
def test_every_network_and_measure_name_resolves(experiment: Experiment) -> None:
    for spec in experiment.trainings(experiment.parse({})):
        assert spec.evaluation in {None, *EVALUATIONS}
        assert {name for every in spec.measures for name in every.measures} <= set(MEASURES)
        assert spec.trained in TRAINED
        build(spec.architecture, spec.seed, spec.input_shape)


@every_experiment
def test_what_is_claimed_and_charted_is_measured(
    experiment: Experiment, request: pytest.FixtureRequest
) -> None:
    trainer = request.getfixturevalue("trainer")
    arms = {arm.id for arm in experiment.arms}
    metrics = {metric.id for metric in experiment.metrics}
    for spec in experiment.trainings(experiment.parse({"seed": 1})):
        short = replace(
            spec, steps=2, test_images=100, surface_points=2 * bool(spec.surface_points)
        )
        events = list(trainer.train(short))
        measured = {name for e in events if isinstance(e, Points) for name in e.values}
        rows = {e.metric for e in events if isinstance(e, Row)}
        assert rows >= {profile.metric.id for profile in experiment.profiles}
        assert measured >= metrics | {spec.loss} | {m.upper for m in experiment.metrics if m.upper}
        assert set(events[-1].summary) == measured
    for claim in experiment.claims:
        assert {claim.arm, claim.other or claim.arm} <= arms
        assert claim.metric in metrics


@every_experiment
def test_every_cell_of_a_sweep_can_be_asked_for_and_has_what_its_panels_show(
    experiment: Experiment,
) -> None:
    sweep = experiment.sweep
    if sweep is None:
        return
    assert {panel.arm for panel in sweep.panels} <= {arm.id for arm in experiment.arms}
    assert {panel.metric for panel in sweep.panels} <= {m.id for m in experiment.metrics}
    asked = [experiment.parse(values) for values in sweep.asked(7)]
    cells = {(request.parameters()[sweep.parameter], request.seed) for request in asked}
    assert len(cells) == len(asked) == len(sweep.values) * sweep.seeds
    assert {seed for _, seed in cells} == set(range(7, 7 + sweep.seeds))


@every_experiment
def test_every_entry_stands_under_its_own_slug(experiment: Experiment) -> None:
    assert find(experiment.slug) is experiment


@every_experiment
def test_the_ids_of_arms_and_metrics_and_claims_are_distinct(experiment: Experiment) -> None:
    for things in (experiment.arms, experiment.metrics, experiment.claims):
        assert max(Counter(thing.id for thing in things).values()) == 1


def test_an_unknown_slug_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownExperiment, match="no experiment 'xyz'; there are: learning-rates"):
        find("xyz")


def test_parameters_are_listed_with_kind_bounds_default_and_help() -> None:
    steps, gamma0, placement, batch_size, statistics, longest = LEARNING_RATES.parameters
    assert (steps.name, steps.kind, steps.default, steps.min, steps.max, steps.choices) == (
        *("steps", "int", 100, 10, 400),
        None,
    )
    assert (gamma0.name, gamma0.kind, gamma0.default, gamma0.min, gamma0.max) == (
        *("gamma0", "float", 0.1, 0.01),
        2,
    )
    assert (placement.name, placement.kind, placement.default) == (
        "placement",
        "choice",
        "after_pooling",
    )
    assert placement.choices == list(PLACEMENTS)
    assert (placement.min, placement.max) == (None, None)
    assert (batch_size.kind, batch_size.default, batch_size.max) == ("int", 20, 128)
    assert (statistics.choices, statistics.default) == (["running", "precise"], "running")
    assert (longest.kind, longest.default, longest.min, longest.max) == ("float", 0, 0, 100)
    assert all(parameter.help for parameter in LEARNING_RATES.parameters)


@every_experiment
def test_the_listed_defaults_are_the_ones_that_apply(experiment: Experiment) -> None:
    listed = {parameter.name: parameter.default for parameter in experiment.parameters}
    assert experiment.parse({}).parameters() == listed
    assert experiment.steps == listed["steps"]


@every_experiment
def test_a_leading_parameter_is_one_that_a_slider_can_turn(experiment: Experiment) -> None:
    leading = [each for each in experiment.parameters if each.name == experiment.lead]
    assert len(leading) == (experiment.lead is not None)
    for parameter in leading:
        assert parameter.kind != "choice"
        assert None not in (parameter.min, parameter.max)


@every_experiment
def test_trainings_come_seed_by_seed_and_each_arm_once(experiment: Experiment) -> None:
    request = experiment.parse({"seed": 5, "seeds": 3})
    trainings = [(spec.seed, spec.arm) for spec in experiment.trainings(request)]
    assert [seed for seed, _ in trainings] == sorted(seed for seed, _ in trainings)
    arms = [arm.id for arm in experiment.arms]
    assert sorted(trainings) == sorted((seed, arm) for seed in (5, 6, 7) for arm in arms)


@every_experiment
def test_side_by_side_are_trainings_that_differ_in_arm_seed_and_rate_alone(
    experiment: Experiment,
) -> None:
    request = experiment.parse({"seed": 5, "seeds": 3})
    found = list(experiment.trainings(request, side_by_side="batched"))
    alone = [each for spec in found for each in spec.members]
    assert set(alone) == set(experiment.trainings(request))
    assert len(alone) == 3 * len(experiment.arms)
    for spec in found:
        assert spec.separable or not spec.beside
        alike = {replace(each, arm="", seed=0, learning_rate=0) for each in spec.members}
        assert len(alike) == 1


def test_the_first_figure_is_two_networks_side_by_side() -> None:
    request = LEARNING_RATES.parse({"seed": 5, "seeds": 10})
    found = LEARNING_RATES.trainings(request, side_by_side="batched")
    assert [(spec.arm, len(spec.members)) for spec in found] == [("bn@0.1", 20), ("cnn@0.1", 20)]


def test_what_is_measured_step_by_step_trains_alone() -> None:
    for slug in ("smoothness", "covariate-shift", "loss-surface", "batch-size", "sigmoid"):
        experiment = find(slug)
        found = experiment.trainings(experiment.parse({"seeds": 2}), side_by_side="batched")
        assert not any(spec.beside for spec in found)


@every_experiment
@pytest.mark.parametrize("slots", [1, 2, 3, 64])
def test_in_turn_the_arms_of_a_seed_are_dealt_to_the_slots(
    experiment: Experiment, slots: int
) -> None:
    request = experiment.parse({"seed": 5, "seeds": 2})
    groups = list(experiment.trainings(request, side_by_side="in_turn", slots=slots))
    alone = list(experiment.trainings(request))
    assert {each for spec in groups for each in spec.members} == set(alone)
    assert sum(len(spec.members) for spec in groups) == len(alone)
    assert len(groups) == 2 * min(slots, len(experiment.arms))
    sizes = [len(spec.members) for spec in groups]
    assert max(sizes) - min(sizes) <= 1
    for spec in groups:
        assert not spec.batched
        assert {each.seed for each in spec.members} == {spec.seed}


def test_long_and_short_trainings_share_a_slot() -> None:
    groups = find("covariate-shift").trainings(
        find("covariate-shift").parse({}), side_by_side="in_turn", slots=2
    )
    assert [[each.arm for each in spec.members] for spec in groups] == [
        ["bn+noise", "cnn"],
        ["cnn+noise", "bn"],
    ]


def test_the_longest_trainings_of_a_seed_come_first() -> None:
    def order(slug: str) -> list[str]:
        experiment = find(slug)
        return [spec.arm for spec in experiment.trainings(experiment.parse({}))]

    assert order("learning-rates") == ["bn@0.1", "bn@0.5", "cnn@0.1", "cnn@0.5"]
    assert order("covariate-shift") == ["bn+noise", "cnn+noise", "bn", "cnn"]


def test_arms_of_a_seed_differ_in_norm_and_learning_rate_alone() -> None:
    request = LEARNING_RATES.parse({"seed": 5, "steps": 40, "gamma0": 0.5})
    specs = list(LEARNING_RATES.trainings(request))
    alike = {replace(spec, arm="", learning_rate=0.0, architecture=()) for spec in specs}
    assert len(alike) == 1
    assert {spec.arm: spec.learning_rate for spec in specs} == {
        "cnn@0.1": 0.1,
        "bn@0.1": 0.1,
        "cnn@0.5": 0.5,
        "bn@0.5": 0.5,
    }
    by_arm = {spec.arm: spec.architecture for spec in specs}
    assert by_arm["cnn@0.1"] == by_arm["cnn@0.5"] != by_arm["bn@0.1"] == by_arm["bn@0.5"]


def test_the_settings_are_those_of_the_article() -> None:
    """SCIENCE.md §1: batch 20, 100 steps, 1,000 test images every second step."""
    spec = next(LEARNING_RATES.trainings(LEARNING_RATES.parse({"seed": 5})))
    assert (spec.batch_size, spec.steps, spec.evaluate_every, spec.test_images) == (
        20,
        100,
        2,
        1000,
    )


@every_experiment
def test_a_run_in_which_all_arms_diverge_has_a_verdict_of_its_own(
    experiment: Experiment, request: pytest.FixtureRequest
) -> None:
    trainer = request.getfixturevalue("trainer")
    measured = Measurements([arm.id for arm in experiment.arms])
    for spec in experiment.trainings(experiment.parse({"seed": 1})):
        for event in trainer.train(replace(spec, learning_rate=1e30, steps=2, test_images=100)):
            measured.add(event)
    assert {measured.end_state(arm.id) for arm in experiment.arms} == {"1 of 1 diverged"}
    assert judge(experiment.claims, measured).holds is not True


@every_experiment
def test_one_seed_fits_with_every_parameter_at_its_highest(experiment: Experiment) -> None:
    highest = {
        parameter.name: parameter.max for parameter in experiment.parameters if parameter.max
    }
    assert experiment.parse(highest).seeds == 1


@every_experiment
def test_the_arms_of_a_figure_differ_in_colour_or_dash(experiment: Experiment) -> None:
    lines = Counter((arm.ink, arm.dashed) for arm in experiment.arms)
    assert max(lines.values()) == 1


@every_experiment
def test_every_colour_of_an_arm_is_in_the_style_sheet(experiment: Experiment) -> None:
    css = (STATIC / "css" / "figure.css").read_text()
    tokens = (STATIC / "css" / "tokens.css").read_text()
    for ink in {arm.ink for arm in experiment.arms}:
        assert f".line-{ink}, .fill-{ink} {{ --own: var(--ink-{ink}); }}" in css
        assert f"--ink-{ink}:" in tokens


def test_the_deep_linear_network_is_that_of_the_paper() -> None:
    """Santurkar et al. 2018, §3.2: 25 layers of 10×10, a thousand examples, all at every step."""
    for spec in DEEP_LINEAR.trainings(DEEP_LINEAR.parse({"seed": 5})):
        linear = [layer for layer in spec.architecture if isinstance(layer, Linear)]
        norms = [layer for layer in spec.architecture if isinstance(layer, BatchNorm)]
        assert len(linear) == 25
        assert {layer.outputs for layer in linear} == {10}
        # Glorot and Bengio 2010: 2 / (inputs + outputs).
        assert [layer.weight_std**2 for layer in linear] == pytest.approx([2 / 20] * 25)
        assert len(norms) == (24 if spec.arm == "bn" else 0)
        assert (spec.batch_size, spec.input_shape, spec.learning_rate) == (1000, (10,), 1e-6)


def test_the_line_across_beta_follows_the_rate() -> None:
    for rate in (1e-6, 1e-7):
        level, share = DEEP_LINEAR.parse({"learning_rate": rate}).levels()
        assert (level.metric, share.metric) == ("beta", "edge_share")
        assert level.value == pytest.approx(2 / rate)
        assert share.value == 1


def test_gamma_and_beta_alone_have_a_rate_that_can_be_turned() -> None:
    request = GAMMA_BETA.parse({"seed": 5, "learning_rate": 0.5})
    specs = {spec.arm: spec for spec in GAMMA_BETA.trainings(request)}
    assert {arm: spec.learning_rate for arm, spec in specs.items()} == {
        "all": 0.1,
        "norms": 0.5,
        "output": 0.1,
    }
    assert {arm: spec.trained for arm, spec in specs.items()} == {
        arm: arm for arm in ("all", "norms", "output")
    }
    assert len({spec.architecture for spec in specs.values()}) == 1


def test_the_command_of_a_request_asks_for_the_same() -> None:
    values = {"seed": 7, "seeds": 2, "steps": 20, "placement": "before_relu"}
    request = LEARNING_RATES.parse(values)
    python, module, app, train, slug, *options = LEARNING_RATES.command(request).split()
    assert [python, module, app, train, slug] == ["python", "-m", "app", "train", "learning-rates"]
    pairs = list(zip(options[::2], options[1::2], strict=True))
    again = dict(value.split("=") for name, value in pairs if name == "--set")
    again |= {name.removeprefix("--"): value for name, value in pairs if name != "--set"}
    assert LEARNING_RATES.parse(again, text=True) == request
