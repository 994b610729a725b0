"""The vocabulary: what each function gives, and that it rewrites nothing but plain numbers."""

import pytest
import sympy as sp

from symbp import nn
from symbp.spec import FUNCTIONS
from symbp.spec.functions import MAX_ARGUMENTS, MAX_FACTORIAL, apply, contained
from tests.spec.reading import A, M, V, W, assert_refused, c, i, read, s, t, x, y

third = sp.Rational(1, 3)
ELEMENTARY = ["exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh"]
ELEMENTARY += ["acosh", "atanh", "erf", "erfc", "sign", "floor", "ceiling", "heaviside", "gamma", "loggamma"]


@pytest.mark.parametrize("name", [*ELEMENTARY, "abs", "digamma"])
def test_elementary_functions_take_scalars_and_matrices(name):
    function = {"abs": sp.Abs, "heaviside": sp.Heaviside}.get(name) or getattr(sp, name)
    # Abs and sign, applied twice, are kept as they are written.
    assert read(f"{name}({name}(s))") == function(function(s, evaluate=False), evaluate=False)
    assert read(f"{name}(W)") == nn.elementwise(lambda e: function(e, evaluate=False), W)
    assert_refused(f"{name}(s, t)", 1, f"{name}(scalar, scalar)")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sqrt(s + 1)", sp.sqrt(s + 1)),
        ("sqrt(4)", sp.Integer(2)),
        ("sqrt(s**2)", sp.Pow(s**2, sp.S.Half, evaluate=False)),
        ("sqrt(W)", nn.elementwise(sp.sqrt, W)),
        ("reciprocal(s)", 1 / s),
        ("reciprocal(s**2)", s**-2),
        ("reciprocal(W)", nn.elementwise(lambda e: 1 / e, W)),
        ("atan2(s, t)", sp.atan2(s, t)),
        ("atan2(x, 2)", nn.elementwise(lambda e: sp.atan2(e, 2, evaluate=False), x)),
        ("atan2(2, x)", nn.elementwise(lambda e: sp.atan2(2, e, evaluate=False), x)),
        ("max(0, s, t)", sp.Max(0, s, t)),
        ("min(s, t)", sp.Min(s, t)),
        ("max(1, 3, 2)", sp.Integer(3)),
        ("max(0, x)", nn.elementwise(lambda e: sp.Max(0, e, evaluate=False), x)),
        ("delta(i, c)", sp.KroneckerDelta(i, c)),
        ("delta(1, 2)", sp.S.Zero),
        ("trace(M)", sp.Trace(M)),
        ("trace(W*V)", sp.Trace(W * V)),
        ("transpose(W)", W.T),
        ("exp(0)", sp.S.One),
        ("gamma(5)", sp.Integer(24)),
        ("gamma(170)", sp.factorial(169)),
        ("sin(1/3)", sp.sin(third)),
        ("loggamma(5)", sp.loggamma(5, evaluate=False)),
        ("digamma(5)", sp.digamma(5, evaluate=False)),
        ("exp(log(s))", sp.exp(sp.log(s), evaluate=False)),
        ("log(exp(s))", sp.log(sp.exp(s), evaluate=False)),
        ("sign(2*s)", sp.sign(2 * s, evaluate=False)),
    ],
)
def test_values(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sigmoid(W*x + W*y)", nn.sigmoid(W * x + W * y)),
        ("softmax(x)", nn.softmax(x)),
        ("softmax_cross_entropy(x, y)", nn.softmax_cross_entropy(x, y)),
        ("softmax_cross_entropy(x, c)", nn.softmax_cross_entropy(x, c)),
        ("leaky_relu(x, slope=0.2)", nn.leaky_relu(x, sp.Rational(1, 5))),
        ("leaky_relu(s)", nn.leaky_relu(s)),
        ("tanh(3*s)", nn.tanh(3 * s)),
        ("softplus(-s)", nn.softplus(-s)),
        ("elu(s + t)", nn.elu(s + t)),
        ("huber(s + 1, t)", nn.huber(s + 1, t)),
        ("total(x)", nn.total(x)),
        ("l2_penalty(0.1, W, V)", nn.l2_penalty(sp.Rational(1, 10), W, V)),
        ("dense(W, x)", W * x),
        ("hadamard(x, y)", sp.HadamardProduct(x, y)),
    ],
)
def test_formulas_of_nn(text, expected):
    assert read(text) == expected


def test_every_formula_of_nn_is_known():
    not_formulas = {
        "elementwise",
        "index",
        "indexed",
        "label",
        "matrix",
        "mlp_equations",
        "one_hot",
        "scalar",
    }
    not_formulas |= {"vector"}
    functions = {name for name in nn.__all__ if name.islower()} - not_formulas
    assert functions <= set(FUNCTIONS)
    assert not not_formulas & set(FUNCTIONS)


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("sin()", 1, "sin()"),
        ("s + atan2(s)", 5, "missing a required argument: 'x'"),
        ("max(s)", 1, "missing a required argument: 'b'"),
        (f"max({'s, ' * MAX_ARGUMENTS}s)", 1, "takes 64 arguments at most"),
        ("max(x, y)", 1, "at most one matrix"),
        ("delta(i, s)", 1, "takes two indices"),
        ("delta(x, i)", 1, "takes two indices"),
        ("trace(W)", 1, "square matrix, not 3x4"),
        ("trace(s)", 1, "square matrix, not scalar"),
        ("transpose(s)", 1, "takes a matrix"),
        (f"gamma({MAX_FACTORIAL + 1})", 1, "larger than 170"),
        ("gamma(-171)", 1, "larger than 170"),
        ("softmax_cross_entropy(x, W)", 1, "softmax_cross_entropy(4x1, 3x4)"),
        ("leaky_relu(s, slope=3)", 1, "between 0 and 1"),
        ("sigmoid(s, t)", 1, "too many positional"),
        ("sigmoid(x=s)", 11, "must be a number"),
        ("sigmoid(A)", 9, "3 axes"),
    ],
)
def test_calls_that_are_refused(text, column, problem):
    assert_refused(text, column, problem)


def test_numbers_alone_are_evaluated():
    assert apply(sp.exp, sp.S.Zero) == 1
    assert apply(sp.Max, sp.S.One, third) == 1
    assert isinstance(apply(sp.Abs, sp.sqrt(2)), sp.Abs)
    assert isinstance(apply(sp.Max, sp.sqrt(2), sp.sqrt(3)), sp.Max)


def test_compound_scalars_stand_aside():
    seen = []

    def square(a):
        seen.append(a)
        return a**2 + sp.sin(a)

    call = contained(square)
    assert call(s + t) == (s + t) ** 2 + sp.sin(s + t)
    assert seen.pop().is_Dummy
    assert call(s) == s**2 + sp.sin(s)
    assert seen.pop() == s
    assert call(sp.Integer(2)) == 4 + sp.sin(2)
    assert seen.pop() == 2
    assert contained(lambda m: seen.append(m) or m)((s + t) * x) == (s + t) * x
    assert seen.pop().atoms(sp.Dummy)


def test_what_stands_aside_returns_everywhere():
    def several(a, m):
        return sp.Piecewise((a * sp.exp(a), a > 0), (sp.Max(a, 1) / a, True)) + nn.total(a * m)

    a = s * t
    expected = sp.Piecewise((a * sp.exp(a), a > 0), (sp.Max(a, 1) / a, True)) + nn.total(a * x)
    result = contained(several)(a, x)
    assert not result.atoms(sp.Dummy) - expected.atoms(sp.Dummy)
    assert result.doit() == expected.doit()
    assert contained(lambda m: m.T)((s + t) * A[0, 0, 0] * x) == (s + t) * A[0, 0, 0] * x.T
    assert contained(lambda m: m + V.T)((s + t) * W) == (s + t) * W + V.T
