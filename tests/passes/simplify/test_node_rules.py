import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import Access
from symbp.ir.evaluate import evaluate_body
from symbp.ir.functions import first, log1p, one_plus_erf, times_logarithm
from symbp.passes.simplify.node_rules import RULES, maximum_first
from symbp.passes.simplify.stable import stable_body
from symbp.passes.simplify.verify import verified
from tests.passes.simplify.judge import X, Y, worst

AT = (-26.0, -10.0, -1.0, -1e-9, -1e-300, 0.0, 1e-300, 1e-9, 1.0, 10.0, 26.0)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_case_here(rule):
    cases = {
        "logarithm of exponentials": sp.log(sp.exp(X) + sp.exp(Y)),
        "logarithm of a power": sp.log(X**2),
        "log1p": sp.log(1 + X),
        "complementary error function": 1 - sp.erf(X),
        "logarithm of a complementary error function": sp.log(3 * sp.erfc(X)),
        "exponential and complementary error function": sp.exp(X**2) * sp.erfc(X),
        "difference of a root": sp.sqrt(1 + X**2) - X,
        "zero times a logarithm": X * sp.log(Y),
    }
    before = cases[rule]
    after = RULES[rule](before, lambda n: n)
    assert after is not None
    assert verified(before, after) is not None
    others = [r for name, r in RULES.items() if name != rule]
    assert not (rule != "zero times a logarithm" and all(r(before, lambda n: n) is not None for r in others))


def test_log1p():
    assert stable_body(sp.log(1 + X)) == log1p(X)
    assert stable_body(sp.log(X + sp.Float(1))) == log1p(X)
    assert worst(log1p(X), sp.log(1 + X), (-0.75, -1e-9, -1e-300, 1e-300, 1e-17, 0.5, 1e300)) <= 16
    assert RULES["log1p"](sp.log(2 + X), lambda n: n) is None


@pytest.mark.parametrize("n", [-1, 2, -2, sp.Rational(1, 2), 3])
def test_logarithms_of_powers(n):
    body = sp.log(sp.Pow(X, n, evaluate=False))
    assert worst(stable_body(body), body, (5e-324, 1e-200, 0.5, 3.0, 1e200)) <= 16
    with np.errstate(all="ignore"):
        assert np.isnan(evaluate_body(stable_body(sp.log(X**3)), {"x": np.array(-1.0)}))


@pytest.mark.parametrize(
    "body",
    [
        1 - sp.erf(X),
        1 + sp.erf(X),
        2 - sp.erfc(X),
        1 - sp.erfc(X),
        Y / 2 + Y * sp.erf(X) / 2,
        sp.Float(1) - sp.erf(X),
        3 - 3 * sp.erf(X),
    ],
    ids=str,
)
def test_one_and_the_error_function(body):
    assert worst(stable_body(body), body, AT) <= 16


def test_gelu_at_minus_ten():
    body = X / 2 * (1 + sp.erf(X / sp.sqrt(2)))
    assert stable_body(body).has(one_plus_erf)
    # The argument x/sqrt(2) is rounded, and erfc has a condition number of 100 there.
    assert worst(stable_body(body), body, (-10.0, -37.0, -1.0, 0.0, 3.0)) <= 3000


def test_sums_without_cancellation_are_left_alone():
    for body in (2 + sp.erf(X), X + sp.erf(Y), 1 + 2 * sp.erf(X)):
        assert RULES["complementary error function"](body, lambda n: n) is None


@pytest.mark.parametrize("body", [X * sp.log(Y), X**2 * sp.log(Y), -3 * X * sp.log(Y) ** 2], ids=str)
def test_zero_times_a_logarithm(body):
    at = {"x": np.zeros(5), "y": np.array([0.0, 3.0, np.inf, np.nan, -1.0])}
    with np.errstate(all="ignore"):
        got = evaluate_body(stable_body(body), at)
    np.testing.assert_array_equal(got[:3] + 0.0, 0.0)
    assert np.isnan(got[3:]).all()


def test_zero_times_a_choice_of_logarithms():
    body = X * sp.Piecewise((Access("z"), Y > 1), (sp.log(Y), True))
    at = {"x": np.zeros(3), "y": np.array([0.0, 2.0, 0.5]), "z": np.full(3, -np.inf)}
    with np.errstate(all="ignore"):
        values = evaluate_body(stable_body(body), at)
    np.testing.assert_array_equal(values + 0.0, 0.0)


def test_zero_times_a_masked_log_probability():
    body = Y * (X - sp.log(Y + 3))
    with np.errstate(all="ignore"):
        got = evaluate_body(stable_body(body), {"x": np.array(-np.inf), "y": np.array(0.0)})
    assert got == 0


def test_bounded_factors_are_not_guarded():
    for body in (X * sp.log(2), X * (Y + 1), X * stable_body(sp.log(1 + sp.exp(Y))), 2 * sp.log(Y)):
        assert not stable_body(body).has(times_logarithm)


def test_a_maximum_is_subtracted_first():
    z, m, s = Access("z"), Access("m"), Access("s")
    maxima = frozenset({"m"})
    assert maximum_first(z - m - sp.log(s), maxima) == first(z - m) - sp.log(s)
    assert maximum_first(Y * (m - z + s), maxima) == Y * (first(m - z) + s)
    for body in (z - m, z + m + s, z - s - sp.log(Y), sp.exp(z - m)):
        assert maximum_first(body, maxima) == body


@pytest.mark.parametrize("outer", [lambda u: 1 / u, sp.sqrt, lambda u: 1 + u])
def test_formulas_that_are_put_into_a_logarithm_are_in_their_stable_forms(outer):
    x = sp.Symbol("x")
    f = sb.compile(sp.log(outer(sp.log(1 + sp.exp(x)))), wrt=[x], cache=False)
    for at in (-40.0, 800.0):
        truth = float(sp.log(outer(sp.log(1 + sp.exp(sp.Integer(int(at)))))).evalf(40))
        assert f.value_and_grad(at)[0] == pytest.approx(truth, rel=1e-14)
