import itertools

import mpmath
import numpy as np
import pytest
import sympy as sp

from symbp.ir import Access, evaluate
from symbp.network import Network
from symbp.passes.simplify.exponentials import RULE
from symbp.passes.simplify.written_sums import is_shifted, written_sums
from symbp.pipeline import derive, expression_kernel

e, log = sp.exp, sp.log
x, y, w, v = Access("x"), Access("y"), Access("w"), Access("v")

SHIFTED = [w * e(x) + v * e(y), w * e(x) + v, 1 + w * e(x), e(x) + w * e(y) + 2, 2**x + e(y), 2**x + 1]
LEFT = [
    1 + e(x),
    e(x) + e(y),
    1 + e(x) + e(y),
    w * e(x),
    x + y,
    e(x) / (1 + e(x)) + 1,  # the factor of an exponential has one itself
    (1 + e(x)) * e(y) + w,
    e(2) * w + 1,
]


@pytest.mark.parametrize("total", SHIFTED, ids=str)
def test_sums_that_are_shifted(total):
    assert is_shifted(total)
    for body in (log(total), w / total, sp.sqrt(1 / total), log(w * total**3)):
        assert written_sums(body) == [total]
    assert written_sums(total * x) == []


@pytest.mark.parametrize("total", LEFT, ids=str)
def test_sums_that_are_left_alone(total):
    assert not is_shifted(total)


a, b, c, d = sp.symbols("a b c d", real=True)
POINTS = (0.7, -3.0, 1000.0, -1000.0)
FORMULAS = [
    (log(c * e(a) + d * e(b)), {c: (0.5, 3.0), d: (0.25, 2.0)}),
    (log(1 + c * e(a)), {c: (0.5, 3.0)}),
    (log(c * e(a) + d * e(-a) + 3), {c: (0.5, 3.0), d: (2.0,)}),
    (c * e(a) / (c * e(a) + d * e(b)), {c: (0.5, 3.0), d: (0.25, -2.0)}),
    (log(3 + (c * e(a) + e(b)) ** 2), {c: (0.5, 3.0)}),
    (log(3 + (e(a) + e(b)) ** 2), {}),
    (log(2**a + e(b)), {}),
    (log(1 + 2**a), {}),
    (2**a / (2**a + 3**b), {}),
    (log(c * e(a) / (c * e(a) + d * e(b))), {c: (0.5, 3.0), d: (0.25, 2.0)}),
]


@pytest.mark.parametrize("reuse", [False, True], ids=["bare", "network"])
@pytest.mark.parametrize(("formula", "factors"), FORMULAS, ids=str)
def test_values_and_gradients_at_a_thousand(formula, factors, reuse):
    names = sorted(formula.free_symbols, key=str)
    points = list(itertools.product(*(factors.get(n, POINTS) for n in names)))
    got, derivation = evaluated(formula, names, points, reuse)
    truth = sp.lambdify(names, [formula, *(formula.diff(n) for n in names)], "mpmath")
    with mpmath.workdps(900):
        right = np.array([[float(t) for t in truth(*map(mpmath.mpf, p))] for p in points]).T
    np.testing.assert_allclose(got, right, rtol=2e-12, atol=1e-16 if reuse else 1e-300)
    assert RULE in {s.rule for s in derivation.rewrites}


def evaluated(formula, names, points, reuse):
    """Value and derivatives, one row each, at points; and the derivation."""
    E = sp.Symbol("E")
    derivation = derive(Network([sp.Eq(E, formula)], inputs=names, loss=E), wrt=names, reuse=reuse)
    results = ("E", *(derivation.gradients[str(n)] for n in names))
    program = expression_kernel(derivation, results).program
    values = evaluate(program, dict(zip(map(str, names), np.array(points).T, strict=True)))
    return [values[r] for r in results], derivation


def test_a_factor_of_zero_is_a_mask():
    got, _ = evaluated(log(c * e(a) + d * e(b)), [a, b, c, d], [(1000.0, -1000.0, 0.0, 2.0)], False)
    assert got[0] == pytest.approx(np.log(2) - 1000)
    np.testing.assert_array_equal(np.ravel(got[1:3]), [0, 1])
    got, _ = evaluated(log(1 + c * e(a)), [a, c], [(1000.0, 0.0)], False)
    assert got[0] == 0


def test_masks_in_quotients():
    formula = c * e(a) / (c * e(a) + d * e(b))
    points = [(1000.0, 2.0, 0.0, 1.0), (2.0, 1000.0, 1.0, 0.0), (1.0, 2.0, 0.0, 0.0)]
    for reuse in (False, True):
        value, by_a, by_b, *_ = evaluated(formula, [a, b, c, d], points, reuse)[0]
        np.testing.assert_array_equal(value, [0, 1, 0])
        np.testing.assert_array_equal(by_a, [0, 0, 0])
        np.testing.assert_array_equal(by_b, [0, 0, 0])


def test_in_equations_of_their_own():
    p, s, E = sp.symbols("p s E", real=True)
    equations = [sp.Eq(p, c * e(a)), sp.Eq(s, p + d * e(b)), sp.Eq(E, log(p / s))]
    net = Network(equations, inputs=[a, b, c, d], loss=E)
    derivation = derive(net, wrt=[a, b])
    results = ("E", *(derivation.gradients[n] for n in "ab"))
    program = expression_kernel(derivation, results).program
    at = {"a": np.array([-1000.0]), "b": np.array([1000.0]), "c": np.array([2.0]), "d": np.array([3.0])}
    values = evaluate(program, at)
    np.testing.assert_allclose([values[r][0] for r in results], [np.log(2 / 3) - 2000, 1, -1], rtol=1e-13)
