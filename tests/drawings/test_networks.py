from app.drawings.networks import NETWORK_WIDTH, draw_network
from app.experiments.architectures import shallow

PLAIN = shallow("none", "after_pooling", 0.1)
NORMED = shallow("batch", "after_pooling", 0.1)


def test_a_network_is_drawn_as_its_description_says() -> None:
    drawing = draw_network(NORMED, PLAIN)
    assert [shape for _, shape in drawing.shape_labels] == [
        *("28×28×1", "28×28×8", "14×14×8", "14×14×16", "7×7×16", "10 logits")
    ]
    assert len(drawing.maps) == 1 + 8 + 8 + 16 + 16 + 10
    assert sum(operation.text == "BatchNorm" for operation in drawing.layers) == 2
    assert [operation.text for operation in drawing.layers if operation.highlighted] == [
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
    missing = {operation.y for operation in normed.layers if operation.highlighted}
    assert {operation.y for operation in plain.layers}.isdisjoint(missing)
    assert len(plain.layers) == len(normed.layers) - 2
