"""Trainings as the papers describe them, beside what the papers say of theirs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf, isfinite, log10
from statistics import median

from app.experiments.architectures import Norm, linear_chain
from app.experiments.catalogue.sigmoid import SIGMOID
from app.experiments.definition import Every, TrainingSpec
from bench.trainings import Curves, trained

# None of them is a seed that anything was tuned on.
SIGMOID_SEEDS = range(2000, 2003)
SIGMOID_STEPS = 50_000
LINEAR_SEEDS = range(2000, 2005)
UNKNOWN = "no number known to us"
SMOOTHNESS_PAPER = "Santurkar et al. 2018, §3.2"
SIZES_OF_BETA = "10⁶ to 10⁷ with, up to about 10¹⁵ without (its figure)"
LINEAR_NORMS: Mapping[str, Norm] = {"without": "none", "with": "batch"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table: a paper's statement beside what was measured."""

    what: str
    paper: str
    there: str
    ours: str
    n: int
    spread: str
    agrees: str


def sigmoid_specs() -> list[TrainingSpec]:
    """The figure `sigmoid` at the paper's length, on all test images; an arm after the other."""
    request = SIGMOID.parse({"seed": 0})
    return [
        replace(
            request.training(arm, seed),
            steps=SIGMOID_STEPS,
            evaluate_every=500,
            test_images=10_000,
        )
        for seed in SIGMOID_SEEDS
        for arm in SIGMOID.arms
    ]


def linear_specs(
    learning_rate: float, *, scale: float = 1, probe_every: int = 10
) -> list[TrainingSpec]:
    """25 linear layers of 10×10 on 1,000 examples at once (Santurkar et al. 2018, §3.2).

    `scale`: of the first weights, against Glorot and Bengio's.
    """
    return [
        TrainingSpec(
            arm=arm,
            seed=seed,
            architecture=linear_chain(norm, depth=25, width=10, scale=scale),
            learning_rate=learning_rate,
            batch_size=1_000,
            steps=600,
            input_shape=(10,),
            batches="linear_map",
            criterion="squared_error",
            evaluation=None,
            measures=(Every(probe_every, ("loss", "along_gradient")),),
            loss="train_loss",
            diverged_above=1e12,
        )
        for seed in LINEAR_SEEDS
        for arm, norm in LINEAR_NORMS.items()
    ]


def findings() -> Iterator[Finding]:
    """Every line, after the trainings that it takes."""
    curves = trained(sigmoid_specs())
    yield from _sigmoid(plain=curves[0::2], normed=curves[1::2])
    for rate in (1e-6, 1e-7):
        curves = trained(linear_specs(rate))
        yield from _linear(rate, plain=curves[0::2], normed=curves[1::2])
    curves = trained(linear_specs(1e-6, scale=1.1, probe_every=1))
    yield _greatest_beta(
        "rate 1e-06, first weights 1.1 times as long, probed at every step",
        plain=curves[0::2],
        normed=curves[1::2],
    )


def _sigmoid(plain: Sequence[Curves], normed: Sequence[Curves]) -> Iterator[Finding]:
    paper = "Ioffe, Szegedy 2015, §4.1, Fig. 1"
    yield _versus(
        "3×100 sigmoids, 50,000 steps: test accuracy at the end, with and without BatchNorm",
        paper,
        "higher with BatchNorm (in words)",
        [_last(run, "test_accuracy") for run in normed],
        [_last(run, "test_accuracy") for run in plain],
        "{:.2%}".format,
        above=True,
    )
    overtaken = [
        float(_first_at_least(run, "test_accuracy", _last(other, "test_accuracy")))
        for run, other in zip(normed, plain, strict=True)
    ]
    yield Finding(
        "the step at which BatchNorm has the plain network’s final accuracy",
        paper,
        "it trains faster (in words)",
        f"{median(overtaken):,.0f}",
        len(overtaken),
        f"{min(overtaken):,.0f} to {max(overtaken):,.0f}",
        "yes" if max(overtaken) < SIGMOID_STEPS else "no",
    )
    stable = "changes much in the plain network, far less with BatchNorm (in words)"
    for what, of in (("centre", _centre), ("width", _width)):
        yield _versus(
            f"{what} of the inputs of one sigmoid: greatest less least over the run, with and "
            "without BatchNorm",
            paper,
            stable,
            [_range(of(run)) for run in normed],
            [_range(of(run)) for run in plain],
            "{:.2f}".format,
        )
        yield _versus(
            f"{what}: way that it goes over the run, at every 500th step, with and without",
            paper,
            stable,
            [_way(of(run)) for run in normed],
            [_way(of(run)) for run in plain],
            "{:.2f}".format,
        )


def _linear(rate: float, plain: Sequence[Curves], normed: Sequence[Curves]) -> Iterator[Finding]:
    setting = f"rate {rate:.0e}"
    yield _greatest_beta(setting, plain, normed)
    yield _versus(
        f"deep linear network, {setting}: median effective β, with and without",
        SMOOTHNESS_PAPER,
        SIZES_OF_BETA,
        [median(run["beta"].values()) for run in normed],
        [median(run["beta"].values()) for run in plain],
        "{:.1e}".format,
        size=_sizes,
    )
    yield _versus(
        f"deep linear network, {setting}: final loss as a share of the first, with and without",
        SMOOTHNESS_PAPER,
        UNKNOWN,
        [_last(run, "train_loss") / run["train_loss"][0] for run in normed],
        [_last(run, "train_loss") / run["train_loss"][0] for run in plain],
        "{:.2f}".format,
    )


def _greatest_beta(setting: str, plain: Sequence[Curves], normed: Sequence[Curves]) -> Finding:
    """The greatest finite one, for a training may diverge; infinite where it did at once."""
    return _versus(
        f"deep linear network, {setting}: greatest effective β, with and without BatchNorm",
        SMOOTHNESS_PAPER,
        SIZES_OF_BETA,
        [_greatest_finite(run["beta"]) for run in normed],
        [_greatest_finite(run["beta"]) for run in plain],
        "{:.1e}".format,
        size=_sizes,
    )


def _versus(
    what: str,
    paper: str,
    there: str,
    normed: Sequence[float],
    plain: Sequence[float],
    text: Callable[[float], str],
    *,
    above: bool = False,
    size: Callable[[float, float], str] | None = None,
) -> Finding:
    """BatchNorm's medians beside the plain network's; it agrees if all seeds are on that side.

    `size` tells how the two medians compare with the paper's numbers, where it has any.
    """
    held = sum((ours > other) == above for ours, other in zip(normed, plain, strict=True))
    direction = {len(normed): "yes", 0: "no"}.get(held, "mixed")
    if there == UNKNOWN:
        direction = "not compared"
    sizes = f"; {size(median(normed), median(plain))}" if size else ""
    return Finding(
        what,
        paper,
        there,
        f"{text(median(normed))} and {text(median(plain))}",
        len(normed),
        "; ".join(f"{text(min(each))} to {text(max(each))}" for each in (normed, plain)),
        f"{direction}, {'greater' if above else 'less'} in {held} of {len(normed)}{sizes}",
    )


def _sizes(normed: float, plain: float) -> str:
    """Within which orders of magnitude: the paper's figure allows no more than that.

    With BatchNorm an agreement is no evidence: at the edge of stability the size is 2/rate.
    """
    ours, other = round(log10(normed)) in (6, 7), log10(plain) >= 13.5
    with_norm = "yes (2/rate: arithmetic)" if ours else "no"
    return f"size with BatchNorm {with_norm}, without {'yes' if other else 'no'}"


def _greatest_finite(curve: Mapping[int, float]) -> float:
    return max(filter(isfinite, curve.values()), default=inf)


def _last(run: Curves, metric: str) -> float:
    return run[metric][max(run[metric])]


def _first_at_least(run: Curves, metric: str, bound: float) -> int:
    reached = [step for step, value in run[metric].items() if value >= bound]
    return min(reached, default=SIGMOID_STEPS)


def _centre(run: Curves) -> list[float]:
    return list(run["input_p50"].values())


def _width(run: Curves) -> list[float]:
    pairs = zip(run["input_p85"].values(), run["input_p15"].values(), strict=True)
    return [high - low for high, low in pairs]


def _range(values: Sequence[float]) -> float:
    return max(values) - min(values)


def _way(values: Sequence[float]) -> float:
    return sum(abs(after - before) for before, after in pairwise(values))
