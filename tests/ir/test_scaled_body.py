"""Bodies in numbers of any exponent, against multiprecision arithmetic."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy as sp

from symbp.ir import Access, Index, Program, Statement, Tensor
from symbp.ir.exact import exact
from symbp.ir.functions import finite, times_logarithm
from symbp.ir.nodes import BATCH
from symbp.ir.scaled import Arithmetic, Scaled, rounded, scaled
from symbp.ir.scaled_body import FUNCTIONS, scaled_body, scaled_number, scaled_values

x, y = Access("x"), Access("y")
e = sp.exp


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


OF_ONE = [k for k in FUNCTIONS if issubclass(k, sp.Function) and k not in (sp.Piecewise, finite)]
OF_TWO = (sp.atan2, sp.polygamma, sp.Max, sp.Min, times_logarithm)


def value(body, **given):
    known = {Access(name): scaled(np.array(v, np.float64)) for name, v in given.items()}
    return scaled_body(body, known, Arithmetic())


@pytest.mark.parametrize("kind", [k for k in OF_ONE if k not in OF_TWO], ids=lambda k: k.__name__)
def test_functions_of_one_number(kind):
    random = np.random.default_rng(0)
    points = np.concatenate([random.uniform(-5, 5, 30), random.uniform(-1000, 1000, 30), [0.0, 1.0, -1.0]])
    points = np.concatenate([points, 10 ** random.uniform(-300, -10, 20) * random.choice([-1, 1], 20)])
    found = value(kind(x), x=points)
    for k, point in enumerate(points):
        truth = exact(kind(x), {x: point}, 60)
        part, power = found.part[k], found.power[k]
        if truth is None:
            assert not np.isfinite(part)
        elif truth == 0:
            assert part == 0
        else:
            with mpmath.workdps(40):
                got = mpmath.mpf(part) * mpmath.mpf(2) ** int(power)
                assert float(abs(got / truth - 1)) < 1e-9, point


@pytest.mark.parametrize("kind", OF_TWO, ids=lambda k: k.__name__)
def test_functions_of_two_numbers(kind):
    first = sp.Integer(2) if kind is sp.polygamma else y
    for a, b in ((0.5, -3.0), (2.0, 2.0), (-1e-200, 1e200), (1e200, 3.0)):
        if kind is sp.polygamma and not 1e-9 < a < 1e9:
            continue
        truth = exact(kind(first, x), {x: a, y: b}, 60)
        assert rounded(value(kind(first, x), x=a, y=b)) == pytest.approx(float(truth), rel=1e-12)


@pytest.mark.parametrize(
    ("body", "at", "truth"),
    [
        (e(x) * e(-y), (800, 810), np.exp(-10)),
        ((e(x) - 1) * e(-x) * e(y), (-900, -800), -np.exp(100)),
        (sp.sqrt(1 + x**2) + y, (1e200, 0), 1e200),
        ((x / y) ** 12 - (x / y) ** 6, (1e-30, 1e-56), 1e312),
        (sp.log(e(x) * y), (-900, 2), -900 + np.log(2)),
        (e(e(x)) / (e(e(x)) + e(y)), (20, 3), 1),
        (sp.cosh(x) / sp.sinh(y), (900, 901), np.exp(-1)),
        (sp.gamma(x) / sp.gamma(y), (180.5, 180), 13.4070942),
        (sp.erfc(x) / sp.erfc(y), (40, 40.5), np.exp(40.26242)),
        (sp.Piecewise((e(x), x < y), (x, True)), (2, 1), 2),
        (sp.Max(e(x), e(y)) / e(900), (900, 800), 1),
        (sp.Integer(10) ** 400 * x / sp.Integer(10) ** 399, (3, 0), 30),
    ],
    ids=str,
)
def test_what_overflows_on_the_way_does_not(body, at, truth):
    assert rounded(value(body, x=at[0], y=at[1])) == pytest.approx(truth, rel=1e-4)


def test_infinite_numbers_count_as_the_largest_where_they_are_subtracted():
    assert np.isfinite(value(finite(x), x=np.inf).part)
    assert rounded(value(finite(x) - finite(x), x=np.inf)) == 0


def test_numbers_of_sympy():
    exact_, off = Arithmetic(), Arithmetic(np.random.default_rng(0))
    assert scaled_number(sp.Rational(-3, 4), off) == Scaled(-0.75, 0)
    assert rounded(scaled_number(sp.pi, exact_)) == np.pi
    assert rounded(scaled_number(-sp.oo, off)) == -np.inf
    assert scaled_number(sp.Integer(0), off).part == 0
    assert scaled_number(sp.Float(0.1), off) == scaled(0.1)
    assert scaled_number(sp.Integer(2) ** 5000, off) == Scaled(0.5, 5001)


def test_numbers_that_are_rounded_are_off():
    """x - 1/3 is not 0 where x is the number that is nearest to 1/3."""
    for number in (sp.Rational(1, 3), sp.pi, sp.Integer(3) ** 60):
        off = Arithmetic(np.random.default_rng(0))
        assert rounded(scaled_number(number, off)) != rounded(scaled_number(number, off))


@pytest.mark.parametrize(
    "body",
    [sp.gamma(x * y), sp.loggamma(x * y), *(sp.polygamma(n, x * y) for n in (0, 1, 2, 3))],
    ids=str,
)
@pytest.mark.parametrize("far", [1e-200, -1e-200, 1e200])
def test_gamma_and_its_kin_of_what_float64_does_not_have(body, far):
    """Of arrays, too."""
    if body.func is sp.gamma and far > 1:
        return
    found = value(body, x=[far, 0.5], y=[abs(far), 2.5])
    for k, (a, b) in enumerate(((far, abs(far)), (0.5, 2.5))):
        with mpmath.workdps(500):
            given = mpmath.mpf(a) * mpmath.mpf(b)
            if body.func is sp.polygamma:
                # psi(n, u) -> (-1)^(n + 1) n!/u^(n + 1), and log u or (-1)^(n + 1) (n - 1)!/u^n
                n = int(body.args[0])
                usual, sign = mpmath.psi(n, mpmath.mpf(1.25)), (-1) ** (n + 1)
                small = sign * mpmath.factorial(n) / given ** (n + 1)
                large = sign * mpmath.factorial(n - 1) / given**n if n else mpmath.log(given)
                truth = usual if k else small if abs(far) < 1 else large
            elif body.func is sp.gamma:
                truth = mpmath.gamma(given)
            else:
                truth = (
                    mpmath.log(abs(mpmath.gamma(given)))
                    if abs(given) < 9
                    else given * mpmath.log(given) - given
                )
            got = mpmath.mpf(found.part[k]) * mpmath.mpf(2) ** int(found.power[k])
            assert float(abs(got / truth - 1)) < 1e-11


def test_a_function_without_a_rule_is_said():
    with pytest.raises(NotImplementedError, match="besselj"):
        value(sp.besselj(0, x), x=1.0)


def test_all_entries_of_a_program():
    n, i = Index("n", BATCH), Index("i", 2)
    X = Access("x", n)
    rows = sp.Piecewise((X**2, sp.Eq(i, 0)), (Access("t", n), True))
    tensors = [Tensor("x", (BATCH,), "input"), Tensor("t", (BATCH,)), Tensor("f", (BATCH, 2))]
    statements = (Statement("t", (n,), 3 * X), Statement("f", (n, i), rows))
    program = Program({t.name: t for t in tensors}, statements, ("f",))
    found = scaled_values(program, {("x", ()): scaled(np.array([1e200, 2.0]))}, Arithmetic())
    assert found["f", (0,)].power[0] > 1024
    assert rounded(found["f", (0,)])[1] == 4
    assert rounded(found["f", (1,)]).tolist() == [3e200, 6.0]
