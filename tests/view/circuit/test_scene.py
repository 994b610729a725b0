"""Pictures are legible: no label on another label, on a box or on a wire."""

import re
from itertools import combinations

import pytest

import symbp as sb
from symbp.view.circuit.scene import scene
from symbp.view.circuit.shapes import Box, Text, text_width
from tests.view.circuit.pictures import PICTURES, x, y


def rectangle(shape):
    """left, top, right, bottom; letters without descenders fill two thirds of their size."""
    if isinstance(shape, Box):
        return shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
    width, height = text_width(shape.text, shape.size), 0.72 * shape.size
    left = shape.x - {"start": 0, "middle": width / 2, "end": width}[shape.anchor]
    return left, shape.y - height / 2, left + width, shape.y + height / 2


def meet(a, b, slack=0.5):
    return a[0] < b[2] - slack and b[0] < a[2] - slack and a[1] < b[3] - slack and b[1] < a[3] - slack


def points(wire):
    """Points along a wire, a few pixels apart."""
    (x, y), *rest = wire.points
    for to_x, to_y in rest:
        middle = (x + to_x) / 2
        for k in range(41):
            t = k / 40
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            yield (
                sum(w * p for w, p in zip(weights, (x, middle, middle, to_x), strict=True)),
                sum(w * p for w, p in zip(weights, (y, y, to_y, to_y), strict=True)),
            )
        x, y = to_x, to_y


@pytest.mark.parametrize("width", [700, 1400, 5000])
@pytest.mark.parametrize("name", PICTURES)
def test_nothing_overlaps(name, width):
    drawn = scene(PICTURES[name](), width)
    boxes = [rectangle(s) for g in drawn.groups for s in g.shapes if isinstance(s, Box)]
    captions = [s for g in drawn.groups for s in g.shapes if isinstance(s, Text) and s.bold and s.size < 12]
    labels = [rectangle(s) for s in (*drawn.labels, *captions)]
    for a, b in combinations(labels, 2):
        assert not meet(a, b)
    for a in boxes:
        assert not any(meet(a, b) for b in labels)
    for a, b in combinations(boxes, 2):
        assert not meet(a, b)
    for wire in drawn.wires:
        for px, py in points(wire):
            at = (px - 0.75, py - 0.75, px + 0.75, py + 0.75)
            assert not any(meet(at, label, 0) for label in labels), (name, px, py)
            inside = [b for b in boxes if b[0] + 3 < px < b[2] - 3 and b[1] + 3 < py < b[3] - 3]
            assert not inside


@pytest.mark.parametrize("name", PICTURES)
def test_everything_is_inside(name):
    drawn = scene(PICTURES[name](), 1400)
    shapes = [s for g in drawn.groups for s in g.shapes] + drawn.labels
    for left, top, right, bottom in map(rectangle, shapes):
        assert 0 < left < right < drawn.width
        assert 0 < top < bottom < drawn.height
    for wire in drawn.wires:
        assert all(0 < px < drawn.width and 0 < py < drawn.height for px, py in points(wire))


@pytest.mark.parametrize("name", PICTURES)
def test_text_fits_into_its_box(name):
    for group in scene(PICTURES[name](), 1400).groups:
        box, *texts = group.shapes
        left, top, right, bottom = rectangle(box)
        for text in texts:
            a, b, c, d = rectangle(text)
            assert left < a < c < right
            assert d < top or (top < b and d < bottom)  # a caption stands above


@pytest.mark.parametrize("name", PICTURES)
def test_wires_begin_and_end_where_they_should(name):
    drawn = scene(PICTURES[name](), 1400)
    c = PICTURES[name]()
    read = sum(len(g.inputs) for g in c)
    outputs = [g for g in c if not any(g.name in other.inputs for other in c)]
    assert len(drawn.arrows) >= read + len(outputs)
    ends = {(round(w.points[-1][0]), round(w.points[-1][1])) for w in drawn.wires}
    for arrow in drawn.arrows:
        near = [e for e in ends if abs(e[0] - arrow.x) <= 9 and abs(e[1] - arrow.y) <= 1]
        assert near, arrow


def test_bands_keep_to_the_width():
    c = PICTURES["deep_network"]()
    for width in (700, 1000, 1400, 3000):
        assert scene(c, width).width <= width
    assert scene(c, 5000).height < scene(c, 700).height / 3


def test_links_name_what_goes_on_below():
    drawn = scene(PICTURES["forty"](), 1400)
    texts = [s.text for g in drawn.groups for s in g.shapes if isinstance(s, Text)]
    links = [t for t in texts if re.fullmatch(r"g\d+", t)]
    assert links
    assert all(any(label.text == link for label in drawn.labels) for link in links)


def test_the_wires_of_a_power_keep_their_order():
    # The base enters above the exponent: the wires of one of the two must cross.
    drawn = scene(sb.circuit(x**y + y**x), 1400)
    powers = [g for g in drawn.groups if " = ^ of" in g.title]
    assert len(powers) == 2
    for power in powers:
        box = power.shapes[0]
        ports = sorted(
            a.y
            for a in drawn.arrows
            if 0 <= a.x - box.x < 8 and abs(a.y - box.y - box.height / 2) < box.height / 2
        )
        ends = [
            next(w for w in drawn.wires if len(w.points) == 3 and w.points[-1][1] == port) for port in ports
        ]
        assert [_source(drawn, w) for w in ends] == power.title.split(" of ")[1].split(", ")


@pytest.mark.parametrize("name", PICTURES)
def test_arrows_touch_what_they_point_at(name):
    drawn = scene(PICTURES[name](), 1400)
    boxes = [s for g in drawn.groups for s in g.shapes if isinstance(s, Box)]
    loose = [a for a in drawn.arrows if not any(_on_left_outline(b, a.x, a.y) for b in boxes)]
    labels = {round(label.x) for label in drawn.labels}
    assert all(
        round(a.x + 8) in labels or a.x > drawn.width - 200 for a in loose
    )  # those that leave the picture
    c = PICTURES[name]()
    assert len(drawn.arrows) - len(loose) == sum(len(g.inputs) for g in c)


def _on_left_outline(box, x, y):
    if not box.y <= y <= box.y + box.height:
        return False
    corner = max(abs(y - box.y - box.height / 2) - (box.height / 2 - box.radius), 0)
    return abs(box.x + box.radius - (box.radius**2 - corner**2) ** 0.5 - x) < 0.5


def _source(drawn, wire):
    """The gate at whose height, and left of whose beginning, the wire starts; dummies are followed back."""
    start = wire.points[0]
    for g in drawn.groups:
        box = g.shapes[0]
        if abs(box.y + box.height / 2 - start[1]) < 0.1 and 0 < start[0] - (box.x + box.width) < 60:
            return re.split(r"[:= ]", g.title)[0]
    before = next(w for w in drawn.wires if w.points[-1] == start and w is not wire)
    return _source(drawn, before)
