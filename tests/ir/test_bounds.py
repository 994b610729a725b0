import itertools
import random

import pytest
import sympy as sp

from symbp.ir import Access, Index, Statement, Tensor, bounds
from symbp.ir.bounds import domain_violation

i, k = Index("i", 3), Index("k", 3)
HUGE = 2**35
n, m = Index("n", HUGE), Index("m", HUGE)


def violation(position, *where, size=4, domain=(i, k)):
    tensors = {"x": Tensor("x", (size,), "input"), "label": Tensor("label", (), "label", 4)}
    return domain_violation(Statement("s", (), Access("x", position), "sum", domain, where), tensors)


def test_reads_outside_of_a_tensor_are_found():
    assert violation(k + i, sp.Le(k + i, 3)) is None
    assert "0..4" in violation(k + i, sp.Le(k, i))
    assert "-2..2" in violation(i - k)
    assert violation(i - k, sp.Ge(i, k)) is None
    assert violation(2 * i - 1, sp.Gt(i, 0)) is None
    assert violation(i + 2, sp.Lt(i, 2)) is None
    assert violation(i + k, sp.Eq(i + k, 3)) is None
    assert violation(i + k, sp.And(i >= k, i + k <= 3)) is None
    assert "1..3" in violation(i + k, sp.Ne(i, k), size=3)


def test_loops_too_long_to_be_tried():
    domain = (n, m)
    assert violation(n - m, sp.Le(m, n), size=HUGE, domain=domain) is None
    assert violation(n + m, sp.Lt(n + m, HUGE), size=HUGE, domain=domain) is None
    assert f"0..{HUGE}," in violation(n + m, sp.Le(n + m, HUGE), size=HUGE, domain=domain)
    assert f"-{HUGE - 1}.." in violation(n - m, size=HUGE, domain=domain)
    assert f"-1..{HUGE - 1}" in violation(n - m, sp.Le(m, n + 1), size=HUGE, domain=domain)


def test_no_point_at_all():
    assert violation(i + 7, sp.Lt(i, 0)) is None
    assert violation(n + HUGE, sp.Gt(n, m + HUGE), size=4, domain=(n, m)) is None
    # Between whole numbers there would be a point: 2 i = 1.
    assert violation(i + 7, sp.Eq(2 * i, 1)) is None


def test_what_is_not_affine_is_tried_or_refused():
    assert violation(sp.floor(i / 2) + k, sp.Le(k, 2)) is None
    assert "0..4" in violation(i * k)
    assert "not affine" in violation(n * m, size=HUGE, domain=(n, m))


def test_positions_that_are_labels_are_checked_with_the_data():
    assert violation(Access("label")) is None


@pytest.mark.parametrize("seed", range(60))
def test_elimination_finds_what_trying_finds(seed, monkeypatch):
    draw = random.Random(seed)
    loops = [Index(f"l{d}", draw.randint(1, 5)) for d in range(draw.randint(1, 3))]

    def affine():
        return sum(draw.randint(-2, 2) * index for index in loops) + draw.randint(-3, 3)

    relations = (sp.Le, sp.Lt, sp.Ge, sp.Gt)
    where = [draw.choice(relations)(affine(), affine()) for _ in range(draw.randint(0, 2))]
    where = [w for w in where if w not in (sp.true, sp.false)]
    position = sp.sympify(affine())
    points = [
        dict(zip(loops, p, strict=True)) for p in itertools.product(*(range(index.extent) for index in loops))
    ]
    values = [int(position.xreplace(p)) for p in points if all(w.xreplace(p) == sp.true for w in where)]
    size = draw.randint(1, 8)
    wrong = any(v < 0 or v >= size for v in values)
    assert bool(violation(position, *where, size=size, domain=tuple(loops))) is wrong
    # Without trying points, everything wrong is still found.
    monkeypatch.setattr(bounds, "POINTS", 0)
    if wrong:
        assert violation(position, *where, size=size, domain=tuple(loops))
