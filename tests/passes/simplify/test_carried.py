import itertools

import mpmath
import numpy as np
import pytest
import sympy as sp

from symbp.ir import Access
from symbp.ir.evaluate import evaluate_body
from symbp.ir.exact import exact
from symbp.passes.simplify.carried import Carrier

x, y = Access("x"), Access("y")
e, log = sp.exp, sp.log


def carried(body, **at):
    names = (Access(f"choice{k}") for k in itertools.count())
    carrier = Carrier(lambda: next(names))
    form = carrier.number(body)
    known = {n: np.array([v]) for n, v in at.items()}
    with np.errstate(all="ignore"):
        for name, choice in carrier.choices.items():
            known[name.name] = np.broadcast_to(evaluate_body(choice, known), 1)
        return float(evaluate_body(form, known).reshape(-1)[0])


BODIES = [
    (e(2 * x) + e(-x)) / (e(1 - x) + 1 / (e(x - y) + 1)),
    1 / ((e(y) + 1) * (e(x**2) + e(y) + 2 * e(x * y) + 1)),
    log(1 - e(-e(x))),
    log(log(1 + e(x))),
    x * e(y) + e(x) * e(-y) + y**2 * e(x),
    (sp.sinh(x) - sp.cosh(y)) * e(-sp.Abs(x * y)),
    sp.Piecewise((e(x) * y / e(2 * y), x > y), (e(2 * x) * e(-x) / (1 + e(y)), True)),
    sp.Max(y, (e(-x) - e(x**2)) / (e(x**2) + e(-x))),
    sp.sqrt(e(x) + e(y)) / (e(x) + 1),
    1 - e(-e(x + 1) - e(x - y)),
    sp.Abs(e(x) * (1 - e(y))) / (1 + e(x + y)),
]


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_values_at_arguments_far_from_zero(body):
    for a, b in itertools.product((-900.0, -40.0, -2.0, 0.5, 3.0, 60.0, 800.0), repeat=2):
        truth = exact(body, {x: a, y: b}, 400)
        if truth is None:
            continue
        got = carried(body, x=a, y=b)
        if abs(truth) > mpmath.mpf("1.7e308"):
            assert got == np.inf * int(mpmath.sign(truth)), (a, b)
        else:
            assert got == pytest.approx(float(truth), rel=1e-9, abs=1e-307), (a, b)


def test_terms_that_are_zero_do_not_count():
    assert carried(x * e(y) + 3, x=0.0, y=1000.0) == 3
    assert carried(x * e(y), x=0.0, y=1000.0) == 0
    assert carried(x * e(y) + y * e(x), x=0.0, y=0.0) == 0
