import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import Access, Program, Statement, Tensor, evaluate
from symbp.passes.simplify import rescue
from symbp.passes.simplify.rescue import FACTORED, RULE, rescued

x, y = Access("x"), Access("y")
e, log = sp.exp, sp.log


def program(*bodies):
    tensors = [Tensor("x", (), "input"), Tensor("y", (), "input")]
    tensors += [Tensor(f"f{k}", ()) for k in range(len(bodies))]
    statements = tuple(Statement(f"f{k}", (), body) for k, body in enumerate(bodies))
    return Program({t.name: t for t in tensors}, statements, tuple(s.target for s in statements))


def after(*bodies):
    before = program(*bodies)
    return rescued(before, before.statement_of())


def test_a_value_is_carried_where_it_is_lost_and_stays_elsewhere():
    body = (e(2 * x) + e(-x)) / (e(1 - x) + e(y))
    found, steps = after(body)
    assert [s.rule for s in steps] == [RULE]
    assert evaluate(found, {"x": -900.0, "y": 5.0})["f0"] == pytest.approx(np.exp(-1), rel=1e-12)
    for a, b in ((0.3, -2.0), (5.0, 7.0)):
        at = {"x": a, "y": b}
        assert evaluate(found, at)["f0"] == evaluate(program(body), at)["f0"]


def test_what_fails_nowhere_is_left_alone():
    assert after(e(x), x * y, e(-(x**2)) + y, 1 / (1 + e(-x)))[1] == []


def test_only_what_fails_is_written_again():
    found, steps = after(x * y, e(x) / (e(x) + e(y)))
    assert [s.target for s in steps] == ["f1"]
    assert found.statement_of()["f0"].body == x * y


def test_a_form_that_is_wrong_is_not_used(monkeypatch):
    monkeypatch.setattr(rescue.Carrier, "number", lambda self, formula: sp.Float(0.25) + x)
    assert after(e(x) / (e(x) + e(y)))[1] == []


def test_a_product_stands_for_a_sum_whose_terms_overflow():
    body = e(x) * sp.sin(x) + e(x) * sp.cos(x)
    found, (step,) = after(body)
    assert step.rule == FACTORED
    assert found.statement_of()["f0"].body == step.after
    assert evaluate(found, {"x": 1000.0})["f0"] == np.inf * (np.sin(1000.0) + np.cos(1000.0))


def test_a_form_that_is_wrong_elsewhere_may_stand_for_nan(monkeypatch):
    """At 800 the quotient is 2e347, infinite as it should be; at -1000 it is 1, and comes out as 0/0."""
    monkeypatch.setattr(rescue.Carrier, "number", lambda self, formula: 1 + 0 * x)
    found, (step,) = after(e(x) / (1 - e(-e(x))))
    assert step.rule == RULE
    assert evaluate(found, {"x": -1000.0})["f0"] == 1
    assert evaluate(found, {"x": 800.0})["f0"] == np.inf


def test_exponents_that_overflow_give_no_value():
    """exp(2 e^x)/(1 + exp(e^x)) at 800: infinity less infinity in exponents is nothing that is used."""
    found, _ = after(e(2 * e(x)) / (1 + e(e(x))))
    value = evaluate(found, {"x": 800.0})["f0"]
    assert np.isnan(value) or value == np.inf
    f = sb.compile(e(2 * e(X)) / (1 + e(e(X))), cache=False)
    assert f(6.2) == pytest.approx(np.exp(np.exp(6.2)), rel=1e-9)
    assert f(800.0) == np.inf


def test_what_is_seen_may_not_cost_much(monkeypatch):
    """Infinity over infinity is looked at again; exp(x)/(exp(x) + exp(y)), 0 where it is 1, is not."""
    seen, silent = e(2 * e(x)) / (1 + e(e(x))), e(x) / (e(x) + e(y))
    assert [len(after(body)[1]) for body in (seen, silent)] == [0, 1]
    monkeypatch.setattr(rescue, "DEAR", np.inf)
    assert [len(after(body)[1]) for body in (seen, silent)] == [1, 1]


def test_functions_whose_digits_take_long_are_left_alone():
    body = e(x) / (e(x) + e(y))
    assert after(body, body * sp.gamma(2 + x**2), body + sp.polygamma(0, 2 + y**2))[1][1:] == []


def test_infinite_arguments_are_those_of_the_plain_value():
    found, _ = after(e(x) / (e(x) + e(y)))
    assert np.isnan(evaluate(found, {"x": np.inf, "y": 1.0})["f0"])


X, Y = sp.symbols("x y", real=True)
CASES = [
    (1 / ((e(Y) + 1) * (e(X**2) + e(Y) + 2 * e(X * Y) + 1)), (-40, 3), None, (0, 0)),
    (1 - e(-e(X + 1) - e(X - Y)), (800, -3), 1, (0, 0)),
    (sp.Max((1 - X) * log(log(1 + e(X))), sp.erf(X * Y)), (-900, 5), -1, (0, 0)),
    (sp.Max(Y, (e(-X) - e(X**2)) / (e(X**2) + e(-X))), (-40, -3), -1, (0, 0)),
    ((e(X) + e(2 * Y)) / (e(X) + e(Y)), (900, 901), np.inf, (-np.inf, np.inf)),
    (log(1 - e(-e(X))), (-1000,), -1000, (1,)),
    ((e(X) - 1) / X, (1000,), np.inf, (np.inf,)),
    (e(e(X) - X), (-1000,), np.inf, (-np.inf,)),
    (e(e(X) - X), (1000,), np.inf, (np.inf,)),
    (log(e(e(X)) - 1), (-1000,), -1000, (1,)),
    (log(e(e(X)) - 1), (5,), np.exp(5), (np.exp(5),)),
    (log(e(e(X)) - 1), (1000,), np.inf, (np.inf,)),
    (e(X) * sp.sin(X), (1000,), np.inf, (np.inf,)),
    (1 / sp.sqrt(e(1 - X) + sp.Rational(1, 10)), (-900,), 2.24045333443e-196, (1.12022666722e-196,)),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("body", "at", "value", "slopes"), CASES, ids=str)
def test_compiled_expressions(body, at, value, slopes, dtype):
    f = sb.compile(body, wrt=[X, Y][: len(at)], dtype=dtype, cache=False)
    got, gradient = f.value_and_grad(*map(float, at))
    least = np.finfo(dtype).tiny
    if value is not None:
        np.testing.assert_allclose(got, value, rtol=1e-6, atol=least)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-6, atol=least)


def test_a_root_of_an_exponential_that_overflows():
    f = sb.compile(sp.sqrt(1 + e(2 * e(X))), cache=False)
    value, (slope,) = f.value_and_grad(6.0)
    u = np.exp(6.0)
    np.testing.assert_allclose([value, slope], [np.exp(u), np.exp(u + 6)], rtol=1e-11)
    assert f(0.0) == pytest.approx(np.sqrt(1 + np.exp(2)), rel=1e-15)


@pytest.mark.parametrize(
    ("body", "at", "slopes"),
    [
        ((2 * e(Y) + e(-1)) / (e(e(X)) + 1), (5, 750), (-5.474542007192884e263, 3.688717388873263e261)),
        (
            (e(X) + e(Y)) ** sp.Rational(3, 2) + 2 / (e(e(-X)) + 1) ** 2,
            (-40, 750),
            (4.621071589471975e145, np.inf),
        ),
    ],
    ids=["infinite seldom", "0 as before"],
)
def test_every_way_to_fail_is_looked_at(body, at, slopes):
    """A few infinite values among many that are 0; a form that is 0 where the output is 0 as well."""
    f = sb.compile(body, wrt=[X, Y], cache=False)
    np.testing.assert_allclose(f.value_and_grad(*map(float, at))[1], slopes, rtol=1e-9)
