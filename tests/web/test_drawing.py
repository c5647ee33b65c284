import re
from statistics import fmean, pstdev

import pytest

from app.architectures import shallow
from app.web.drawing import NETWORK_WIDTH, draw_network, draw_stages

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
