"""The least time that a figure's arithmetic takes: its operations over the rate of convolutions.

`python -m bench.floor` prints that rate, in operations a second of all processors together: one
process a processor, one thread each, all at once, as workers train. Each repeats one convolution
that suits oneDNN (32 channels to 32, 5 × 5, 100 maps of 14 × 14, channels last) without anything
between, and the median of its repetitions counts.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from math import prod
from statistics import median

from app.experiments.architectures import Convolution, Linear, with_shapes
from app.experiments.definition import TrainingSpec
from app.machine import default_workers
from tests.support.processes import ROOT

IMAGES, CHANNELS, KERNEL, SIDE = 100, 32, 5, 14
REPETITIONS = 60


def operations(specs: Sequence[TrainingSpec]) -> float:
    """Multiplications and additions in the convolutions and linear layers of these trainings.

    A step takes three times its forward pass, once for the values and once for each kind of
    gradient, but for the first layer, whose inputs need none. Evaluations are forward passes.
    """
    return sum(map(_operations, specs))


def _operations(spec: TrainingSpec) -> float:
    layers = [2 * prod(shape[1:]) * shape[0] * inputs for inputs, shape in _weighted_layers(spec)]
    evaluations = len({*range(0, spec.steps, spec.evaluate_every), spec.steps})
    tested = evaluations * spec.test_images if spec.evaluation else 0
    trained = (spec.steps + 1) * spec.batch_size
    return trained * (3 * sum(layers) - layers[0]) + tested * sum(layers)


def _weighted_layers(spec: TrainingSpec) -> list[tuple[int, tuple[int, ...]]]:
    """Of each layer with weights: inputs to one of its values, and the shape of all values."""
    found = []
    for layer, before, after in with_shapes(spec.architecture, spec.input_shape):
        match layer:
            case Convolution(kernel=kernel):
                found.append((before[0] * kernel**2, after))
            case Linear():
                found.append((prod(before), after))
            case _:
                pass
    return found


def rate() -> float:
    """Operations a second, measured now."""
    command = [sys.executable, "-m", "bench.floor"]
    result = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, encoding="utf-8")
    return float(result.stdout)


def main() -> None:
    """Prints the rate. With an argument, that of this process alone."""
    if sys.argv[1:]:
        print(_one_rate())
        return
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.floor", "one"], stdout=subprocess.PIPE, encoding="utf-8"
        )
        for _ in range(default_workers())
    ]
    print(sum(float(process.communicate()[0]) for process in processes))


def _one_rate() -> float:
    import torch

    torch.set_num_threads(1)
    maps = torch.randn(IMAGES, CHANNELS, SIDE, SIDE)
    layer = torch.nn.Conv2d(CHANNELS, CHANNELS, KERNEL, padding="same")
    layer.to(memory_format=torch.channels_last)
    maps = maps.contiguous(memory_format=torch.channels_last)
    seconds = []
    with torch.inference_mode():
        for _ in range(REPETITIONS):
            start = time.perf_counter()
            layer(maps)
            seconds.append(time.perf_counter() - start)
    return 2 * IMAGES * SIDE**2 * CHANNELS**2 * KERNEL**2 / median(seconds)


if __name__ == "__main__":
    main()
