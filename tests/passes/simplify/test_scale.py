import pytest
import sympy as sp

from symbp.ir import Access, Index
from symbp.ir.nodes import Statement
from symbp.passes.simplify.peaks import Peak, Total
from symbp.passes.simplify.scale import Writer, own_exponentials

e, log = sp.exp, sp.log
i, k = Index("i", 3), Index("k", 3)
z, s, t, m, c = Access("z", i), Access("s"), Access("t"), Access("m"), Access("c")
peak = Peak(m, sp.E)
total = Total(Statement("s", (), e(Access("z", k)), "sum", (k,)), sp.E)

BODIES = {
    e(z) / s: e(z - m) / t,
    e(c) / s: e(c - m) / t,
    e(2 * z) / s**2: e(2 * z - 2 * m) / t**2,
    log(s): m + log(t),
    log(e(z) / s): z - m + log(1 / t),
    log(c / s): log(c / t) - m,
    log(1 + s): m + log(e(-m) + t),
    s / (1 + s): t / (e(-m) + t),
    1 / (1 + s): e(-m) / (e(-m) + t),
    e(z) / (2 + s): e(z - m) / (2 * e(-m) + t),
    (2 + s) / (1 + s): (2 * e(-m) + t) / (e(-m) + t),
    sp.sqrt(s): sp.sqrt(t) * e(m / 2),
    sp.Piecewise((e(z), c > 0), (0, True)) / s: sp.Piecewise((e(z - m), c > 0), (0, True)) / t,
    c * s: c * t * e(m),
    sp.sin(s): sp.sin(t * e(m)),
    e(z) + c: e(z - m) * e(m) + c,
}


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_the_scale_cancels(body):
    swap = {s: t} | own_exponentials(body, total, s, peak)
    found = Writer(peak, swap).write(body)
    assert found == BODIES[body]
    # Equal as they stand, with s = t exp(m).
    at = {z: 0.3, c: 0.7, m: 1.1, t: 2.3, s: 2.3 * sp.exp(1.1)}
    assert abs((found - body).xreplace(at).evalf(30)) < 1e-12


def test_exponentials_of_a_sum_are_known_at_any_index():
    other = Access("z", Access("label"))
    found = own_exponentials(e(other) + e(Access("z", sp.Integer(2))) + e(c), total, s, peak)
    assert set(found) == {e(other), e(Access("z", sp.Integer(2)))}
    assert found[e(other)] == e(other - m)
