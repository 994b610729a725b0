"""Elementary functions and function classes of the user's: value and derivative against SymPy's own."""

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir.definition import definition, has_own_derivative, known, simple
from symbp.ir.evaluate import evaluate

x, y = sp.symbols("x y", real=True)
E = sp.Symbol("E")


def value_and_slopes(expression, **at):
    """What the compiler makes of an expression, run by the interpreter."""
    symbols = [sp.Symbol(n, real=True) for n in at]
    net = sb.Network([sp.Eq(E, expression, evaluate=False)], inputs=symbols, loss=E, batch=False)
    derivation = sb.derive(net, wrt=symbols)
    found = evaluate(derivation.backward_program, {n: float(v) for n, v in at.items()})
    return [float(found["E"]), *(float(found[derivation.gradients[n]]) for n in at)]


POINTS = {
    **dict.fromkeys([sp.exp, sp.sin, sp.cos, sp.tan, sp.asin, sp.acos, sp.atan, sp.sinh, sp.cosh], 0.4),
    **dict.fromkeys([sp.tanh, sp.asinh, sp.atanh, sp.erf, sp.erfc, sp.Abs, sp.sign, sp.sec, sp.csc], 0.4),
    **dict.fromkeys([sp.cot, sp.sech, sp.csch, sp.coth, sp.asech, sp.acsch, sp.sinc], 0.4),
    **dict.fromkeys([sp.acosh, sp.asec, sp.acsc, sp.acot, sp.acoth, sp.log, sp.sqrt, sp.cbrt], 2.3),
    **dict.fromkeys([sp.gamma, sp.loggamma, sp.digamma, sp.trigamma, sp.factorial], 2.3),
}


@pytest.mark.parametrize("function", POINTS, ids=lambda f: getattr(f, "__name__", str(f)))
def test_elementary(function):
    at = POINTS[function]
    expression = function(3 * x / 2)
    got = value_and_slopes(expression, x=at / 1.5)
    t = sp.Rational(str(at)) * 2 / 3
    want = [float(sp.N(e.subs(x, t))) for e in (expression, sp.diff(expression, x).doit())]
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize(
    ("expression", "at", "want"),
    [
        (sp.floor(x) + sp.ceiling(x), 2.5, (5, 0)),
        (sp.Heaviside(x), 0.0, (0.5, 0)),
        (sp.Heaviside(x, 1), 0.0, (1, 0)),
        (sp.Heaviside(x, 1), -0.5, (0, 0)),
        (sp.Heaviside(x), np.nan, (np.nan, 0)),
        (sp.Heaviside(x, 1), np.nan, (np.nan, 0)),
        (sp.Heaviside(x) * x**2, 3.0, (9, 6)),
        (sp.frac(x), 2.25, (0.25, 1)),
        (sp.Mod(x, 2), 5.5, (1.5, 1)),
        (sp.sign(x) * x, -3.0, (3, -1)),
        (sp.Abs(x), 0.0, (0, 0)),
        (sp.Max(x, 0), 0.0, (0, 0)),
        (sp.Max(x, 2, x**2), 3.0, (9, 6)),
        (sp.Min(x, 2), 1.0, (1, 1)),
        (sp.Piecewise((x**2, x > 1), (sp.log(x), x > 0), (0, True)), 0.5, (np.log(0.5), 2)),
        (sp.Piecewise((x, sp.And(x > 0, sp.Not(x > 4))), (7, True)), 5.0, (7, 0)),
        (sp.Piecewise((1, sp.Xor(x > 0, x > 2)), (0, True)), 1.0, (1, 0)),
        (sp.Piecewise((x, sp.ITE(x > 0, x < 2, x > -2)), (7, True)), 1.0, (1, 1)),
        (sp.Piecewise((x, sp.ITE(x > 0, x < 2, x > -2)), (7, True)), -3.0, (7, 0)),
        (2 * sp.UnevaluatedExpr(x), 1.5, (3, 2)),
        (sp.re(sp.Symbol("x")) + sp.conjugate(sp.Symbol("x")), 1.5, (3, 2)),
        (sp.pi * x + sp.E + sp.GoldenRatio, 1.0, (np.pi + np.e + (1 + 5**0.5) / 2, np.pi)),
        (x ** sp.Rational(1, 3), 8.0, (2, 1 / 12)),
        (2**x, 3.0, (8, 8 * np.log(2))),
    ],
    ids=str,
)
def test_steps_kinks_and_choices(expression, at, want):
    expression = expression.xreplace({sp.Symbol("x"): x})
    np.testing.assert_allclose(value_and_slopes(expression, x=at), want, rtol=1e-12)


def test_two_arguments():
    r2 = 0.7**2 + 0.2**2
    got = value_and_slopes(sp.atan2(y, x), x=-0.7, y=0.2)
    np.testing.assert_allclose(got, [np.arctan2(0.2, -0.7), -0.2 / r2, -0.7 / r2], rtol=1e-12)
    got = value_and_slopes(x**y, x=2.0, y=3.0)
    np.testing.assert_allclose(got, [8, 12, 8 * np.log(2)], rtol=1e-12)


class ByDoit(sp.Function):
    def doit(self, **hints):
        return self.args[0] ** 2 + 1


class ByRewrite(sp.Function):
    def _eval_rewrite_as_exp(self, t, **hints):
        return sp.exp(t) + 1


class ByExpand(sp.Function):
    def _eval_expand_func(self, **hints):
        return sp.sin(self.args[0]) * 2


class ByEval(sp.Function):
    @classmethod
    def eval(cls, t):
        return t**3


class ByEvalf(sp.Function):
    def _eval_evalf(self, prec):
        return self.args[0] ** 4


class OwnDerivative(sp.Function):
    """Its derivative is deliberately not that of its formula: a straight-through rounding."""

    def fdiff(self, argindex=1):
        return sp.S.One

    def doit(self, **hints):
        return sp.floor(self.args[0] + sp.Rational(1, 2))


class OfTwo(sp.Function):
    def doit(self, **hints):
        a, b = self.args
        return ByDoit(a).doit() * b


@pytest.mark.parametrize(
    ("expression", "want"),
    [
        (ByDoit(x), (5, 4)),
        (ByRewrite(x), (np.exp(2) + 1, np.exp(2))),
        (ByExpand(x), (2 * np.sin(2), 2 * np.cos(2))),
        (ByEval(x), (8, 12)),
        (ByEvalf(x), (16, 32)),
        (OwnDerivative(x * sp.Rational(3, 4)), (2, 0.75)),
        (OfTwo(x, x), (10, 13)),
        (ByDoit(ByRewrite(x) - 1), (np.exp(4) + 1, 2 * np.exp(4))),
    ],
    ids=str,
)
def test_function_classes_of_the_users(expression, want):
    np.testing.assert_allclose(value_and_slopes(expression, x=2.0), want, rtol=1e-12)


class Raises(sp.Function):
    def doit(self, **hints):
        raise RuntimeError("in the user's code")


class Text(sp.Function):
    def doit(self, **hints):
        return "x + 1"


class Elsewhere(sp.Function):
    def doit(self, **hints):
        return sp.sin(y)


@pytest.mark.parametrize(
    ("function", "hint"),
    [(f, "doit") for f in (Raises, Text, Elsewhere, sp.Function("f"))]
    # Nobody can give a class of SymPy's a method.
    + [(f, "a series or a fit") for f in (sp.zeta, sp.LambertW, sp.Si, sp.DiracDelta)],
    ids=str,
)
def test_functions_without_value_are_refused(function, hint):
    with pytest.raises(sb.UnsupportedError, match=function.__name__) as caught:
        value_and_slopes(1 + function(x), x=1)
    assert hint in caught.value.hint
    assert "E = " in caught.value.equation


@pytest.mark.parametrize(
    ("expression", "formula"),
    [
        (sp.binomial(x, y), "gamma"),
        (sp.catalan(x), "gamma"),
        (sp.beta(x, y), "gamma"),
        (sp.tribonacci(x), "floor"),
    ],
    ids=str,
)
def test_formulas_that_fail_somewhere_are_only_suggested(expression, formula):
    with pytest.raises(sb.UnsupportedError, match="no formula that holds for all") as caught:
        value_and_slopes(expression, x=1, y=2)
    assert formula in caught.value.hint
    assert "E = " in caught.value.equation


@pytest.mark.parametrize("at", [-7.0, -2.5, -1.0, 0.0, 0.5, 1.0, 2.0, 3.7, 171.0, 1000.0])
@pytest.mark.parametrize(
    "expression",
    [
        sp.binomial(x, 3), sp.binomial(x, 0), sp.fibonacci(x), sp.legendre(4, x), sp.chebyshevt(5, x),
        sp.arg(x + sp.pi), sp.ff(x, 4), sp.rf(x, 3), sp.zeta(3) * x, sp.besselj(0, 2) * x, sp.harmonic(x),
    ],
    ids=str,
)  # fmt: skip
def test_functions_of_sympy_agree_with_its_own_values(expression, at):
    if expression.has(sp.fibonacci, sp.harmonic) and (at > 100 or (at < 0 and at == int(at))):
        return
    want = float(sp.N(expression.subs(x, sp.Rational(at)), 30))
    assert value_and_slopes(expression, x=at)[0] == pytest.approx(want, rel=1e-9, abs=1e-12)


class BadSlope(sp.Function):
    def fdiff(self, argindex=1):
        raise RuntimeError("in the user's code")

    def doit(self, **hints):
        return sp.sin(self.args[0])


class TextSlope(BadSlope):
    def fdiff(self, argindex=1):
        return "cos(x)"


@pytest.mark.parametrize("function", [BadSlope, TextSlope], ids=str)
def test_functions_without_derivative_are_refused(function):
    with pytest.raises(sb.UnsupportedError, match="derivative") as caught:
        value_and_slopes(function(x), x=1)
    assert "fdiff" in caught.value.hint


def test_known_simple_and_definition():
    assert known(sp.sin(x))
    assert not known(ByDoit(x))
    assert not known(sp.sec(x))
    assert simple(sp.sec(x)) == 1 / sp.cos(x)
    assert simple(sp.sin(x)) == sp.sin(x)
    assert has_own_derivative(OwnDerivative(x))
    assert not has_own_derivative(ByDoit(x))
    assert definition(ByDoit(y)) == y**2 + 1


def test_a_users_function_with_the_name_of_a_primitive_is_not_the_primitive():
    class sin(sp.Function):
        def doit(self, **hints):
            return self.args[0] + 1

    np.testing.assert_allclose(value_and_slopes(sin(x), x=2.0), (3, 1))
