import re
from statistics import fmean, pstdev

import pytest
import torch

from app.architectures import shallow
from app.web.drawing import (
    EXAMPLE,
    NETWORK_WIDTH,
    RUNNING,
    SHIFT,
    draw_network,
    draw_passages,
    draw_stages,
)

PLAIN = shallow("none", "after_pooling", 0.1)
NORMED = shallow("batch", "after_pooling", 0.1)


def test_a_network_is_drawn_as_its_description_says() -> None:
    drawing = draw_network(NORMED, PLAIN)
    assert [shape for _, shape in drawing.shapes] == [
        *("28×28×1", "28×28×8", "14×14×8", "14×14×16", "7×7×16", "10 logits")
    ]
    assert len(drawing.maps) == 1 + 8 + 8 + 16 + 16 + 10
    assert sum(operation.text == "BatchNorm" for operation in drawing.operations) == 2
    assert [operation.text for operation in drawing.operations if operation.lit] == [
        *("BatchNorm", "BatchNorm")
    ]


def test_every_map_lies_within_the_drawing() -> None:
    drawing = draw_network(NORMED, PLAIN)
    for each in drawing.maps:
        assert 0 <= each.x <= each.x + each.size <= NETWORK_WIDTH
        assert 0 <= each.y <= each.y + each.size <= drawing.height


def test_two_networks_side_by_side_line_up() -> None:
    plain, normed = draw_network(PLAIN, NORMED), draw_network(NORMED, PLAIN)
    assert plain.maps == normed.maps
    assert plain.height == normed.height
    missing = {operation.y for operation in normed.operations if operation.lit}
    assert {operation.y for operation in plain.operations}.isdisjoint(missing)
    assert len(plain.operations) == len(normed.operations) - 2


def test_the_stages_of_a_batch_end_at_mean_zero_and_variance_one() -> None:
    data, centred, normalised = (
        [list(map(float, values)) for values in zip(*_dots(stage.dots), strict=True)]
        for stage in draw_stages()
    )
    for before, middle, after in zip(data, centred, normalised, strict=True):
        assert fmean(before) > 3 * pstdev(before)
        assert fmean(middle) == pytest.approx(0, abs=0.01)
        assert pstdev(middle) == pytest.approx(pstdev(before), abs=0.01)
        assert fmean(after) == pytest.approx(0, abs=0.01)
        assert pstdev(after) == pytest.approx(1, abs=0.01)


def _dots(path: str) -> list[tuple[str, str]]:
    return re.findall(r"M(\S+) (\S+)h0", path)


def test_in_training_the_mates_decide_the_output_and_in_testing_they_do_not() -> None:
    first, second = draw_passages()
    assert first.inputs[0] == second.inputs[0] == EXAMPLE
    for passage in (first, second):
        layer = torch.nn.BatchNorm1d(1)
        layer.bias.data.fill_(SHIFT)
        batch = torch.tensor(passage.inputs)[:, None]
        assert passage.trained == pytest.approx(layer(batch)[:, 0].tolist(), abs=1e-5)
        layer.eval()
        assert layer.running_mean is not None
        assert layer.running_var is not None
        layer.running_mean.fill_(RUNNING[0])
        layer.running_var.fill_(RUNNING[1])
        assert passage.tested == pytest.approx(layer(batch)[:, 0].tolist(), abs=1e-5)
    assert abs(first.trained[0] - second.trained[0]) > 1
    assert first.tested[0] == second.tested[0]
