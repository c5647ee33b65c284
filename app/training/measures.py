"""What is measured: plain functions that leave the network as it was.

An evaluation is of a network, on test images; a measure is of a training step, and of the one
before it. Landscape measures are in `landscape.py`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from app.training import hessian, landscape
from app.training.correction import gradient_correction
from app.training.fused_inference import Stage, stages
from app.training.lines import Line, Measured
from app.training.propagation import through_blocks
from app.training.rotation import rotation
from app.training.steps import Batch, Step, flat
from app.training.weight_scale import over_weight_scale

Values: TypeAlias = Mapping[str, float]

# Of one channel of the last layer's inputs: counts in bins of equal width from LOW to HIGH; what
# lies beyond is counted at the edge.
HISTOGRAM_LOW, HISTOGRAM_HIGH, BINS = -3.0, 5.0, 48
CHANNEL = 0
# Of the inputs to one sigmoid; those of Ioffe, Szegedy 2015, Figure 1.
PERCENTILES = (15, 50, 85)


@torch.inference_mode()
def evaluate(network: nn.Sequential, batches: Sequence[Batch]) -> Values:
    """Mean cross-entropy (nats), accuracy (0…1) and dead units over all `batches`.

    In evaluation mode: BatchNorm uses its running averages, never these batches' statistics.
    `dead_units`, where there is a ReLU, is the fraction of channels whose ReLU is zero at every
    place of every image: such a channel passes no gradient back for any of them.
    """
    was_training = network.training
    network.eval()
    plan = list(stages(network))
    outputs, activity = zip(*(_through(plan, images) for images, _ in batches), strict=True)
    network.train(was_training)
    logits, labels = torch.cat(outputs), torch.cat([labels for _, labels in batches])
    values = {
        "test_loss": F.cross_entropy(logits, labels).item(),
        "test_accuracy": (logits.argmax(1) == labels).sum().item() / len(labels),
    }
    dead = torch.stack(activity).sum(0) == 0
    return values | ({"dead_units": dead.float().mean().item()} if len(dead) else {})


def _through(plan: Iterable[tuple[Stage, bool]], images: Tensor) -> tuple[Tensor, Tensor]:
    """Logits (N, 10) and the total activity, ≥ 0, of each channel behind a ReLU (C,)."""
    x, activity = images, [images.new_empty(0)]
    for stage, ends_in_relu in plan:
        x = stage(x)
        if ends_in_relu:
            activity.append(x.sum(_all_but_channels(x)))
    return x, torch.cat(activity)


def evaluate_inputs(network: nn.Sequential, batches: Sequence[Batch]) -> Values:
    """As `evaluate`; and what one unit of the last hidden layer is given, over all `batches`.

    `input_p15`, `input_p50` and `input_p85` are percentiles of what enters the last activation
    function in channel CHANNEL (Ioffe, Szegedy 2015, Figure 1). In training mode, all images as
    one mini-batch: as while it learns, but without the chance of which few images it sees.
    """
    given = _given(network, torch.cat([images for images, _ in batches]))
    found = torch.quantile(given, given.new_tensor(PERCENTILES) / 100).tolist()
    names = [f"input_p{percent}" for percent in PERCENTILES]
    return {**evaluate(network, batches), **dict(zip(names, found, strict=True))}


@torch.no_grad()
def _given(network: nn.Sequential, images: Tensor) -> Tensor:
    last = max(i for i, layer in enumerate(network) if isinstance(layer, nn.ReLU | nn.Sigmoid))
    was_training = network.training
    network.train()
    buffers = {name: buffer.clone() for name, buffer in network[:last].named_buffers()}
    entering: Tensor = functional_call(network[:last], buffers, (images,))
    network.train(was_training)
    return entering[:, CHANNEL].flatten()


def loss(now: Step, before: Step | None) -> Values:
    """The loss that is minimised, on the mini-batch that the step trains on."""
    return {"train_loss": now.loss}


def batch(now: Step, before: Step | None) -> Values:
    """Loss (nats) and accuracy (0…1) on the mini-batch that the step trains on."""
    correct = (now.outputs.argmax(1) == now.labels).sum().item()
    return {"train_loss": now.loss, "train_accuracy": correct / len(now.labels)}


def shift(now: Step, before: Step | None) -> Values:
    """How far the moments of the last layer's inputs moved since the step before.

    Mean over its channels of |μ_t − μ_{t−1}| and |σ²_t − σ²_{t−1}|, each over a mini-batch and all
    positions, behind norm and noise. Nothing at a training's first step.
    """
    if before is None:
        return {}
    means, variances = zip(*(moments(step.inputs[-1]) for step in (now, before)), strict=True)
    return {
        "mean_shift": (means[0] - means[1]).abs().mean().item(),
        "variance_shift": (variances[0] - variances[1]).abs().mean().item(),
    }


def moments(activations: Tensor) -> tuple[Tensor, Tensor]:
    """(N, C, …) → mean and variance (divided by the count) of each channel, (C,) each."""
    variance, mean = torch.var_mean(activations, _all_but_channels(activations), correction=0)
    return mean, variance


def _all_but_channels(x: Tensor) -> tuple[int, ...]:
    return (0, *range(2, x.dim()))


def covariate_shift(now: Step, before: Step | None) -> Values:
    """Internal covariate shift of the last layer, as `ics` defines it, and free of any scale.

    `ics_share` is ‖G − G′‖₂/‖G‖₂ and `ics_turn` the cosine, both the mean over all layers with
    weights but the first, for which they would be 0 and 1.
    """
    weighted = [
        place for place, layer in enumerate(now.network) if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    found = {place: ics(now, place) for place in weighted[1:]}
    names = {place: [f"{place}.weight", f"{place}.bias"] for place in found}
    lengths = {place: flat(now.gradients, names[place]).norm().item() for place in found}
    shares = [
        each["ics_distance"] / lengths[place] if lengths[place] else 0.0
        for place, each in found.items()
    ]
    return {
        **found[weighted[-1]],
        "ics_share": sum(shares) / len(shares),
        "ics_turn": sum(each["ics_cosine"] for each in found.values()) / len(found),
    }


def ics(step: Step, layer: int) -> Values:
    """Santurkar et al. 2018, Definition 2.1, for the module at place `layer` of the network.

    G is the gradient for its weights; G′ the same on the same mini-batch once the layers below it,
    and only they, have made their update. `ics_distance` is ‖G − G′‖₂; `ics_cosine` the cosine
    of the angle between them, 0 where one of them vanishes.
    """
    below = {name for name in step.parameters if _layer_of(name) < layer}
    updated = step.moved(step.learning_rate)
    mixed = {
        name: updated[name] if name in below else value for name, value in step.parameters.items()
    }
    names = [name for name in step.parameters if _layer_of(name) == layer]
    ours, theirs = flat(step.gradients, names), flat(step.at(mixed)[1], names)
    return {
        "ics_distance": (ours - theirs).norm().item(),
        # Rounding may carry it a little beyond.
        "ics_cosine": F.cosine_similarity(ours, theirs, dim=0).clamp(-1, 1).item(),
    }


def _layer_of(name: str) -> int:
    """The place of a parameter's module in the network: 4 for `4.weight`."""
    return int(name.partition(".")[0])


def histogram(now: Step, before: Step | None) -> Mapping[str, Line]:
    """`inputs`: how often the last layer's inputs in one channel took which value.

    On this mini-batch.
    """
    values = now.inputs[-1][:, CHANNEL].float().clamp(HISTOGRAM_LOW, HISTOGRAM_HIGH).cpu()
    counts = torch.histc(values, BINS, HISTOGRAM_LOW, HISTOGRAM_HIGH)
    half = (HISTOGRAM_HIGH - HISTOGRAM_LOW) / BINS / 2
    low, high = HISTOGRAM_LOW + half, HISTOGRAM_HIGH - half
    return {"inputs": Line(low, high, counts.tolist())}


Evaluation: TypeAlias = Callable[[nn.Sequential, Sequence[Batch]], Values]
EVALUATIONS: dict[str, Evaluation] = {
    "evaluate": evaluate,
    "evaluate_inputs": evaluate_inputs,
}

Measure: TypeAlias = Callable[[Step, Step | None], Measured]
MEASURES: dict[str, Measure] = {
    "loss": loss,
    "batch": batch,
    "shift": shift,
    "covariate_shift": covariate_shift,
    "loss_change": landscape.loss_change,
    "along_gradient": landscape.along_gradient,
    "along_activation_gradient": landscape.along_activation_gradient,
    "over_distance": landscape.over_distance,
    "histogram": histogram,
    "through_blocks": through_blocks,
    "gradient_correction": gradient_correction,
    "over_weight_scale": over_weight_scale,
    "rotation": rotation,
    "sharpness": hessian.sharpness,
    "edge": hessian.edge,
    "leading": hessian.leading,
}
