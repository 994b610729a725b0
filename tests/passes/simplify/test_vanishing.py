"""Products of what underflows and what overflows: values and gradients against multiprecision arithmetic."""

import mpmath
import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import Access
from symbp.ir.exact import exact
from symbp.ir.functions import times_logarithm
from symbp.ir.walk import postorder
from symbp.passes.simplify.stable import stable_body

x, y = sp.symbols("x y", real=True)
e, tanh = sp.exp, sp.tanh
FAR = [0.0, 1e-308, -1e-308, 1.0, -1.0, 30.0, -30.0, 709.5, -709.5, 1e3, -1e3, 1e10, 1e155, -1e155, 1e300]

PRODUCTS = [
    x * tanh(e(x)),
    x / (1 + e(-e(x))),
    e(-e(x)),
    x * e(-e(-x)),
    e(-x) * e(-e(-x)),
    x * e(-x) * e(-e(-x)),
    e(-(x + e(-x))),
    1 - e(-(e(2 * x) - 1) / 2),
    e(tanh(e(x))),
    1 / (1 + e(-x * e(x))),
    x**2 * e(-(x**2)),
    x**2 * e(-sp.Abs(x)),
    x / (1 + e(-(x**3))),
    e(-((x - 3) ** 2) / 2) * (x - 3) ** 4,
]


def truth(body, at):
    """In multiprecision arithmetic; what is too small or too large for it is 0 or not known."""
    value = exact(body.xreplace({x: Access("x")}), {Access("x"): at}, 400)
    return None if value is None or abs(value) > 1e308 else float(value)


@pytest.mark.parametrize("body", PRODUCTS, ids=str)
def test_values_and_gradients_are_numbers(body):
    f = sb.compile(body, wrt=[x], cache=False)
    for at in FAR:
        got, (slope,) = f.value_and_grad(at)
        for number, formula in ((got, body), (slope, body.diff(x))):
            expected = truth(formula, at)
            assert not np.isnan(number), at
            if expected is not None:
                assert number == pytest.approx(expected, rel=1e-11, abs=1e-306), at


@pytest.mark.parametrize(
    ("body", "slope"),
    [
        (e(-1 / x), 0),
        (e(-1 / x**2), 0),
        (e(-(sp.log(x) ** 2) / 2) / x, 0),
        (x ** sp.Rational(5, 2) * e(-x), 0),
    ],
    ids=str,
)
def test_limits_at_zero(body, slope):
    f = sb.compile(body, wrt=[x], cache=False)
    for at in (0.0, 1e-308):
        assert f.value_and_grad(at)[1] == pytest.approx((slope,), abs=1e-300)


def test_in_networks():
    z, w, loss = sp.symbols("z w E")
    net = sb.Network([sp.Eq(loss, tanh(e(w * z)) * z)], inputs=[z], parameters=[w], loss=loss)
    model = sb.compile(net, cache=False)
    value, slope = model.value_and_grad(np.array([1.0]), z=np.array([1000.0]))
    assert (value, *slope) == (1000.0, 0.0)


def guarded(body):
    swap = {x: Access("x"), y: Access("y")}
    return any(isinstance(n, times_logarithm) for n in postorder([stable_body(body.xreplace(swap))]))


@pytest.mark.parametrize(
    "body",
    [
        e(x**3) * e(-(x**2)),  # the other one grows faster
        y**2 * e(-x),  # another variable
        (y**2 + x**2) * e(-(x**2)),
        e(200 * x) * e(-e(x)),  # exp(1340 - 812) at 6.7
        x**-2 * (e(-(x**2)) - 1),  # 0 at 0, where the limit is -1
        e(x) * sp.erfc(x),
        sp.sqrt(x) * e(-x),  # never infinite
        x * e(-x),
    ],
    ids=str,
)
def test_what_is_left_alone(body):
    assert not guarded(body)


def test_what_is_not():
    assert guarded(x**2 * e(-x))
    assert guarded(x**2 * y**2 * e(-x))


def test_factors_go_into_sums_where_they_would_meet_their_opposite():
    """The focal loss: outside of the bracket exp(-1000), inside exp(1000)."""
    p = 1 / (1 + e(-x))
    f = sb.compile(-((1 - p) ** 2) * sp.log(p), wrt=[x], cache=False)
    with mpmath.workdps(500):
        slope = sp.lambdify(x, sp.diff(-((1 - p) ** 2) * sp.log(p), x), "mpmath")
        for at in (-1000.0, -30.0, 0.5, 30.0):
            assert f.value_and_grad(at)[1][0] == pytest.approx(float(slope(mpmath.mpf(at))), rel=1e-13)
    assert f.value_and_grad(1000.0)[1][0] == 0


def test_the_ledger_tells_of_it():
    ledger = sb.compile(x * tanh(e(x)), wrt=[x], cache=False).derivation.ledger
    (step,) = [s for s in ledger if s.rule == "zero times infinity"]
    assert step.verified == "in float64 at 965 arguments"
    focal = -((1 - 1 / (1 + e(-x))) ** 2) * sp.log(1 / (1 + e(-x)))
    rules = [s.rule for s in sb.compile(focal, wrt=[x], cache=False).derivation.ledger]
    assert "factor into a sum" in rules
    assert "zero times infinity" not in rules
