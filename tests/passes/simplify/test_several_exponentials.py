import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import Access
from symbp.ir.evaluate import evaluate_body
from symbp.passes.simplify.several_exponentials import (
    logarithm_of_sum,
    may_divide,
    shifted_quotients,
    terms_of,
)
from symbp.passes.simplify.stable import stable_body
from symbp.passes.simplify.verify import verified
from tests.passes.simplify.judge import X, Y, Z, worst

e, log = sp.exp, sp.log
AT = (-1000.0, -30.0, 0.0, 1.0, 700.0, 1000.0)
total = e(X) + e(Y) + e(Z)
QUOTIENTS = [
    e(X) / (e(X) + e(Y)),
    e(Y) / (e(X) + e(Y)),
    e(X) * e(Y) / (e(X) + e(Y)) ** 2,
    e(X) / total,
    e(X) * e(Y) / total**2,
    e(X) / (1 + e(X) + e(Y)),
    2 * e(Y) / (3 * e(X) + 2 * e(Y)),
    e(2 * X) / (e(2 * X) + e(Y)),
    e(2 * X) / total**2,
    e(2 * X + 2 * Y) / (e(X + Y) + e(Z)) ** 2,
]


LEFT = [
    1 / (1 + e(X) + e(Y)),
    e(X) / (1 + e(X) + e(Y)) ** 2,
    e(X) / (e(X) + e(Y)) ** 2,
    e(X) * (1 / (1 + e(X)) + Z**2 / (e(X) + e(Y))),
    (e(X) + e(2 * Y)) / (e(X) + e(Y)),
]


@pytest.mark.parametrize("body", LEFT, ids=str)
def test_what_is_left_of_the_scale_is_one_factor(body):
    assert worst(stable_body(body), body, (-300.0, -1.0, 0.0, 1.0, 300.0, 900.0)) <= 1000


@pytest.mark.parametrize("body", QUOTIENTS, ids=str)
def test_quotients_are_accurate_where_everything_overflows(body):
    # Exponents of sums are rounded: 1000 units of an argument of 2000.
    assert worst(stable_body(body), body, AT) <= 2000
    assert verified(body, stable_body(body)) is not None


def test_parts_are_shifted_together_or_not_at_all():
    p, y = e(X) / total, Access("y")
    body = (1 / total - e(X) / total**2) * y * e(X) + y
    new = shifted_quotients(body)
    assert verified(body, new) is not None
    assert not new.has(e(X))
    assert shifted_quotients(p * e(Y)) == p * e(Y) or verified(p * e(Y), shifted_quotients(p * e(Y)))
    assert shifted_quotients(1 / total) == 1 / total
    assert shifted_quotients(e(X) + 1 / total) == e(X) + 1 / total


@pytest.mark.parametrize(
    "body", [log(e(X) + e(Y)), log(2 * e(X) + 3 * e(Y)), log(e(X) + e(Y) + e(2 * X))], ids=str
)
def test_logarithms_of_two_and_of_more(body):
    assert worst(stable_body(body), body, (-1000.0, -30.0, 1.0, 700.0, 1000.0)) <= 16


@pytest.mark.parametrize("body", [log(total), log(1 + e(X) + e(Y)), log(2 * e(X) + e(Y) + e(Z))], ids=str)
def test_logarithms_of_longer_sums(body):
    # Where the greatest exponent is 0, m + log(sum) is right to the rounding of 1.
    assert worst(stable_body(body), body, (1.0, 30.0, 700.0, 1000.0)) <= 16


def test_two_terms_keep_their_digits_near_zero():
    assert worst(stable_body(log(e(X) + e(Y))), log(e(X) + e(Y)), AT) <= 16


def test_the_logarithm_of_a_difference():
    body = log(e(X) - e(Y))
    assert worst(stable_body(body), body, (-1000.0, -999.0, 0.0, 999.0, 1000.0)) <= 16


def test_minus_infinity_is_a_mask():
    body = stable_body(log(e(X) + e(Y)))
    with np.errstate(all="ignore"):
        assert evaluate_body(body, {"x": np.array(-np.inf), "y": np.array(-np.inf)}) == -np.inf
        assert evaluate_body(body, {"x": np.array(-np.inf), "y": np.array(3.0)}) == 3


def test_what_is_no_sum_of_different_exponentials():
    assert terms_of(e(X) + 1) is None
    assert terms_of(e(X) + Y) is None
    assert terms_of(e(X) * e(Y)) is None
    assert logarithm_of_sum(log(X + Y)) is None
    assert logarithm_of_sum(log(-e(X) - e(Y))) is None


@pytest.mark.parametrize("body", [log(total), log(1 + e(X) + e(Y)), log(3 * e(X) + e(Y) + e(Z) / 2)], ids=str)
def test_longer_sums_keep_their_digits_near_one(body):
    at = (-90.0, -40.0, 0.0)
    assert worst(stable_body(body), body, at) <= 100  # exponents are rounded here


def test_longer_sums_at_infinity():
    body = stable_body(log(total))
    inf = np.inf
    with np.errstate(all="ignore"):
        for at, right in [((inf, 1, inf), inf), ((-inf, -inf, -inf), -inf), ((-inf, 2, -inf), 2)]:
            assert evaluate_body(body, dict(zip("xyz", map(np.float64, at), strict=True))) == right
        assert np.isnan(evaluate_body(body, {"x": np.float64("nan"), "y": np.float64(1), "z": np.float64(0)}))


def test_terms_of_a_sum_in_two_entries():
    """Neither of them holds a sum, and the quotient stands in a function."""
    x, y = sp.symbols("x y")
    ratio = (e(-x) - e(x**2)) / (e(x**2) + e(-x))
    f = sb.compile(sp.Max(y, ratio), wrt=[x, y], cache=False)
    assert f.value_and_grad(-40.0, -3.0)[0] == -1


def test_a_gradient_beside_a_value_that_underflows():
    x, y = sp.symbols("x y")
    f = sb.compile(1 / (1 + e(x) + e(y)), wrt=[x, y], cache=False)
    assert f.value_and_grad(800.0, 3.0) == (0, (0, 0))


@pytest.mark.parametrize(
    ("body", "parts", "expected"),
    [
        (X * e(Y) - 2 * X**3, (), False),
        (X * Y + e(Z), ("x",), False),
        (X / Y, (), True),
        (sp.sqrt(X), (), True),
        (X**Y, (), True),
        (e(-X), ("x",), True),
        (e(-X), ("y",), False),
    ],
    ids=str,
)
def test_where_a_quotient_may_be(body, parts, expected):
    assert may_divide(body, parts) == expected
    if not expected:
        held = {X: e(Y) + e(Z), Y: 2 * e(Z) - e(X)}
        wider = body.xreplace({a: f for a, f in held.items() if a.name in parts})
        assert shifted_quotients(wider) == wider
