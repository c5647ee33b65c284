"""The loss around a network: along its gradient at a step, and around where it ended.

All of it is of the loss that training walks on: in training mode, on one mini-batch.
"""

import copy
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from app.events import Row
from app.training.fused_inference import through
from app.training.lines import Line, Measured
from app.training.randomness import stream
from app.training.steps import Batch, Parameters, Step, flat, loss_at

# Santurkar et al. 2018, §3.1: how far along the gradient, in learning rates.
DISTANCES = (0.5, 1.0, 2.0, 4.0)
# The same in the space of activations, where a distance is no learning rate.
ACTIVATION_DISTANCES = (0.1, 0.2, 0.3, 0.4)

# From near to far: powers of two of the learning rate.
EXPONENTS = tuple(range(-6, 7))

LINE_LOW, LINE_HIGH, LINE_POINTS = -0.5, 1.5, 41
HALF_A_STEP = 0.5 * (LINE_HIGH - LINE_LOW) / (LINE_POINTS - 1)


def loss_change(now: Step, before: Step | None) -> Mapping[str, float]:
    """|L_t − L_{t−1}| of successive steps, each on its own mini-batch, in nats."""
    return {} if before is None else {"loss_change": abs(now.loss - before.loss)}


def along_gradient(now: Step, before: Step | None) -> Mapping[str, float]:
    """What a step along −∇L meets (Santurkar et al. 2018, Figure 4), on the same mini-batch.

    For θ_a = θ − a·g, g = ∇L(θ), a from half to four learning rates: least and greatest L(θ_a) and
    their difference; least and greatest ‖g − ∇L(θ_a)‖₂; `beta`, the greatest of that over the
    distance travelled; `gradient_change`, the greatest of that over ‖g‖. Greatest of the distances
    tried, not of all there are: hence an *effective* β.
    """
    here, origin = flat(now.gradients), flat(now.parameters)
    losses, distances, betas = [], [], []
    for factor in DISTANCES:
        moved = now.moved(factor * now.learning_rate)
        loss, gradients = now.at(moved)
        distance = (here - flat(gradients)).norm()
        losses.append(loss)
        distances.append(distance.item())
        betas.append((distance / (flat(moved) - origin).norm()).item())
    return {
        "loss_min": _least(losses),
        "loss_max": _greatest(losses),
        "loss_range": _greatest(losses) - _least(losses),
        "gradient_distance_min": _least(distances),
        "gradient_distance": _greatest(distances),
        "gradient_change": _greatest(distances) / here.norm().item(),
        "beta": _greatest(betas),
    }


def over_distance(now: Step, before: Step | None) -> Measured:
    """Along −∇L(θ) from near to far, on the same mini-batch: a = 2ᵏ·η for k from −6 to 6.

    With g = ∇L(θ) and Δ = ‖g − ∇L(θ − a·g)‖₂: `loss_over_distance` is L(θ − a·g),
    `change_over_distance` Δ / ‖g‖ and `beta_over_distance` Δ over the distance travelled, which is
    the other over a. `reach`: the a, in learning rates, at which Δ first comes to half of ‖g‖, on
    a straight line between the two tried ones around it (in logarithms); at most the last.
    """
    here, origin = flat(now.gradients), flat(now.parameters)
    losses, changes, betas = [], [], []
    for exponent in EXPONENTS:
        moved = now.moved(2.0**exponent * now.learning_rate)
        loss, gradients = now.at(moved)
        change = (here - flat(gradients)).norm()
        losses.append(loss)
        changes.append((change / here.norm()).item())
        betas.append((change / (flat(moved) - origin).norm()).item())
    low, high = EXPONENTS[0], EXPONENTS[-1]
    return {
        "reach": 2.0 ** crossing(EXPONENTS, changes, 0.5),
        "beta_over_distance": Line(low, high, betas),
        "change_over_distance": Line(low, high, changes),
        "loss_over_distance": Line(low, high, losses),
    }


def crossing(places: Sequence[float], values: Sequence[float], bound: float) -> float:
    """Where `values` first come to `bound`, on straight lines between the places; else the end.

    A value that is not finite lies above every bound: so far, and no farther.
    """
    heights = [value if math.isfinite(value) else math.inf for value in values]
    if heights[0] >= bound:
        return places[0]
    for (left, below), (right, above) in pairwise(zip(places, heights, strict=True)):
        if above >= bound:
            return left + (right - left) * (bound - below) / (above - below)
    return places[-1]


def along_activation_gradient(now: Step, before: Step | None) -> Mapping[str, float]:
    """Effective β with the first block's activations x in the place of the parameters.

    The greatest ‖g(x) − g(x − a·g)‖₂ / ‖a·g‖₂ over a from 0.1 to 0.4, g = ∂L/∂x. Normalisation
    in the layers above takes its statistics anew at each shifted point.
    """
    x = now.inputs[0]
    here = _activation_gradient(now, x)
    betas = []
    for distance in ACTIVATION_DISTANCES:
        moved = x - distance * here
        change = here - _activation_gradient(now, moved)
        betas.append((change.norm() / (moved - x).norm()).item())
    return {"beta_activation": _greatest(betas)}


def _activation_gradient(step: Step, activations: Tensor) -> Tensor:
    second = [i for i, layer in enumerate(step.network) if isinstance(layer, nn.Conv2d)][1]
    movable = activations.detach().requires_grad_()
    upper = step.network[second:]
    loss = loss_at(upper, {}, (movable, step.labels), step.criterion)
    return torch.autograd.grad(loss, movable)[0]


def surface(
    network: nn.Sequential, batch: Batch, seed: int, points: int
) -> Iterator[tuple[float, list[float]]]:
    """The loss at θ + x·d₁ + y·d₂, row by row: y, then the loss for each x from −1 to 1.

    The directions are Gaussian, each filter scaled to the norm of the network's own (Li et al.
    2018, §4); biases and the norms' parameters stay.
    """
    centre = _detached(network)
    source = stream(seed, "directions")
    first, second = (direction(centre, source) for _ in range(2))
    places = torch.linspace(-1, 1, points).tolist()
    for y in places:
        row = [_moved(centre, first, second, x, y) for x in places]
        yield y, _losses(network, row, batch)


def line(one: nn.Sequential, other: nn.Sequential, batch: Batch) -> Line:
    """The loss at (1 − α)·θ + α·θ′ for α from LINE_LOW to LINE_HIGH (Im et al. 2016, §3)."""
    start, end = _detached(one), _detached(other)
    shares = torch.linspace(LINE_LOW, LINE_HIGH, LINE_POINTS).tolist()
    between = [
        {name: torch.lerp(value, end[name], share) for name, value in start.items()}
        for share in shares
    ]
    return Line(LINE_LOW, LINE_HIGH, _losses(one, between, batch))


def line_with_running_averages(one: nn.Sequential, other: nn.Sequential, batch: Batch) -> Line:
    """As `line`, in evaluation mode: running averages lie on the line like everything else."""
    evaluated = copy.deepcopy(one).eval()
    start, end = one.state_dict(), other.state_dict()
    shares = torch.linspace(LINE_LOW, LINE_HIGH, LINE_POINTS).tolist()
    between = [
        {
            name: torch.lerp(value, end[name], share) if value.is_floating_point() else value
            for name, value in start.items()
        }
        for share in shares
    ]
    return Line(LINE_LOW, LINE_HIGH, _losses(evaluated, between, batch))


def barrier(between: Row) -> float:
    """By how many nats the loss between two networks rises above that of the higher of them."""
    losses = [
        loss
        for share, loss in zip(between.positions(), between.values, strict=True)
        if -HALF_A_STEP < share < 1 + HALF_A_STEP
    ]
    return _greatest(losses) - _greatest([losses[0], losses[-1]])


@torch.no_grad()
def _losses(network: nn.Sequential, places: Sequence[Parameters], batch: Batch) -> list[float]:
    """The cross-entropy at each of these parameters; on a copy, so that the network stays."""
    images, labels = batch
    probe = copy.deepcopy(network)
    losses = []
    for parameters in places:
        probe.load_state_dict(parameters, strict=False)
        losses.append(F.cross_entropy(through(probe, images), labels).item())
    return losses


def direction(centre: Parameters, source: torch.Generator) -> Parameters:
    """Filter-normalised; a filter is what makes one output channel."""
    found: dict[str, Tensor] = {}
    for name, value in centre.items():
        if value.dim() > 1:
            drawn = torch.randn(value.shape, generator=source).to(value.device)
            lengths = value.flatten(1).norm(dim=1) / drawn.flatten(1).norm(dim=1)
            found[name] = drawn * lengths.reshape(-1, *[1] * (value.dim() - 1))
        else:
            found[name] = torch.zeros_like(value)
    return found


def _moved(
    centre: Parameters, first: Parameters, second: Parameters, x: float, y: float
) -> Parameters:
    return {name: value + x * first[name] + y * second[name] for name, value in centre.items()}


def _detached(network: nn.Sequential) -> Parameters:
    return {name: value.detach() for name, value in network.named_parameters()}


def _least(values: list[float]) -> float:
    """NaN if one of them is."""
    return torch.tensor(values).min().item()


def _greatest(values: list[float]) -> float:
    """NaN if one of them is."""
    return torch.tensor(values).max().item()
