"""Formulas read as what they say, and refused with the place and a way out."""

import contextlib
import math
import threading

import pytest
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symbp import nn
from symbp.errors import SpecError
from symbp.spec import FUNCTIONS, parse_expression

s, t = nn.scalar("s"), nn.scalar("t")
x, y = nn.vector("x", 4), nn.vector("y", 4)
W, V, M = nn.matrix("W", 3, 4), nn.matrix("V", 4, 3), nn.matrix("M", 4, 4)
A = nn.indexed("A", 2, 3, 4)
c = nn.label("c")
i, j, k = (sp.Symbol(name, integer=True) for name in "ijk")
σ = nn.scalar("σ")
NAMES = {str(name): name for name in (s, t, x, y, W, V, M, A, c, i, σ)}


def read(text: str, **more):
    return parse_expression(text, {**NAMES, **more}, FUNCTIONS)


def refusal(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        read(text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s", s),
        ("  s\t", s),
        ("12", sp.Integer(12)),
        ("1_000", sp.Integer(1000)),
        ("0.1", sp.Rational(1, 10)),
        (".5e2", sp.Integer(50)),
        ("3.14159", sp.Rational("3.14159")),
        ("1e-300", sp.Float(1e-300)),
        ("0.12345678901234567", sp.Float(0.12345678901234567)),
        ("pi*s", sp.pi * s),
        ("s - t - 1", s - t - 1),
        ("s - (t - 1)", s - t + 1),
        ("-s**2", -(s**2)),
        ("(-s)**2", s**2),
        ("2**-s", 2**-s),
        ("s**t**2", s ** (t**2)),
        ("s/t/2", s / t / 2),
        ("s/(t*2)", s / (2 * t)),
        ("+s", s),
        ("--s", s),
        ("(s + t)**2/(s - t)**3", (s + t) ** 2 / (s - t) ** 3),
        ("(s*t)**-2", (s * t) ** -2),
        ("1/(1 + exp(-s))", 1 / (1 + sp.exp(-s))),
        ("sqrt(s + 1)", sp.sqrt(s + 1)),
        ("sqrt(s*t)*sqrt(s*t)", s * t),
        ("2*(s + 1) - (s + 1)*3", -s - 1),
        ("t*(s + 1)/(s + 1)**3", t * (s + 1) ** -2),
        ("1/(s + 1) + 2/(s + 1) - sin(s)/3", 3 / (s + 1) - sp.sin(s) / 3),
        ("exp(s)**2*sin(t)*s*s", s**2 * sp.exp(2 * s) * sp.sin(t)),
        ("-(s - t)*x[0]", -(s - t) * x[0, 0]),
        ("σ*2", 2 * σ),
        ("exp(0)", sp.S.One),
        ("gamma(5)", sp.Integer(24)),
        ("abs(s - t)", sp.Abs(s - t)),
        ("atan2(s, t)", sp.atan2(s, t)),
        ("max(0, s, t)", sp.Max(0, s, t)),
        ("min(s, t)", sp.Min(s, t)),
        ("heaviside(s)", sp.Heaviside(s)),
        ("digamma(s)", sp.digamma(s, evaluate=False)),
        ("reciprocal(s)", 1 / s),
    ],
)
def test_scalars(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize("name", ["exp", "sin", "erf", "gamma", "sign", "abs"])
def test_elementary_functions_take_scalars_and_matrices(name):
    assert read(f"{name}(s)").func.__name__.lower() == name
    assert read(f"{name}(W)").shape == (3, 4)


PYTHON = {"s": 0.7, "t": 1.3, "exp": math.exp, "sin": math.sin, "abs": abs, "tanh": math.tanh}
NUMBERS = st.recursive(
    st.sampled_from(["s", "t", "1", "2", "0.5", "3"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/"]), inner),
        st.builds(
            "{}**{}".format, inner.map("({})".format), st.sampled_from(["2", "-1", "-2", "0.5", "s", "-t"])
        ),
        st.builds("{}({})".format, st.sampled_from(["exp", "sin", "abs", "tanh"]), inner),
        inner.map("-({})".format),
    ),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(NUMBERS)
def test_values_are_those_of_python(text):
    try:
        expected = eval(text, {"__builtins__": {}}, PYTHON)  # the test's own text, not the reader's
        assume(isinstance(expected, (int, float)) and 1e-6 < abs(expected) < 1e6)
        value = read(text).evalf(30, subs={s: 0.7, t: 1.3})
    except (ArithmeticError, TypeError, SpecError):  # complex numbers are a TypeError of math
        assume(False)
    # Cancellation costs Python digits, so expressions that differ only by rounding must not fail.
    assert float(value) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("W*x", W * x),
        ("W@x", W * x),
        ("W*x + W*y", W * x + W * y),
        ("2*W*x*s", 2 * s * W * x),
        ("W*x/2", W * x / 2),
        ("-x", -x),
        ("x - y", x - y),
        ("x - x", sp.ZeroMatrix(4, 1)),
        ("0*x", sp.ZeroMatrix(4, 1)),
        ("W.T", W.T),
        ("x.T.T", x),
        ("transpose(W)", W.T),
        ("(2*W*x + W*y).T", (2 * W * x + W * y).T),
        ("2*W*x + W*x - W*y", 3 * W * x - W * y),
        ("s*x/(1 + t) + x", s * x / (1 + t) + x),
        ("W*(V*(W*x))", W * V * W * x),
        ("M*M", sp.MatMul(M, M)),
        ("(x.T*y)[0, 0]", sp.Trace(x.T * y)),
        ("s*(x.T*y)[0]", s * sp.Trace(x.T * y)),
        ("trace(M)", sp.Trace(M)),
        ("hadamard(x, y)", sp.HadamardProduct(x, y)),
    ],
)
def test_matrices(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x[i]", x[i, 0]),
        ("x[0]", x[0, 0]),
        ("x[2*i - 1]", x[2 * i - 1, 0]),
        ("x.T[i]", x[i, 0]),
        ("W[i, 3]", W[i, 3]),
        ("W.T[3, i]", W[i, 3]),
        ("A[i, c, 0]", A[i, c, 0]),
        ("x[c]", x[c, 0]),
        ("sum(W[i, j]*x[j], (j, 0, 3))", sp.Sum(W[i, j] * x[j, 0], (j, 0, 3))),
        ("sum(j*x[j], (j, 2 - 1, 3))", sp.Sum(j * x[j, 0], (j, 1, 3))),
        ("sum(W[k, j], (k, 0, 2), (j, 0, 3))", sp.Sum(W[k, j], (k, 0, 2), (j, 0, 3))),
        (
            "sum(x[j], (j, 0, 3)) - sum(y[j], (j, 0, 1))",
            sp.Sum(x[j, 0], (j, 0, 3)) - sp.Sum(y[j, 0], (j, 0, 1)),
        ),
        ("delta(i, c)", sp.KroneckerDelta(i, c)),
    ],
)
def test_indices(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("where(s > 0, s, 0)", sp.Piecewise((s, s > 0), (0, True))),
        ("where(1 > 2, s, t)", t),
        ("where(True, s, t)", s),
        ("where(not s > 0, s, 0)", sp.Piecewise((s, s <= 0), (0, True))),
        ("where(i == c, 1, 0)", sp.Piecewise((1, sp.Eq(i, c)), (0, True))),
        ("piecewise((s, 0 < s < 1), (t, True))", sp.Piecewise((s, (s > 0) & (s < 1)), (t, True))),
        (
            "piecewise((1, s > 1 or t > 1), (2, s != 0), (3, True))",
            sp.Piecewise((1, (s > 1) | (t > 1)), (2, sp.Ne(s, 0)), (3, True)),
        ),
    ],
)
def test_cases(text, expected):
    assert sp.simplify(read(text) - expected) == 0
    assert read(text).subs({s: 3, t: 2, i: 1, c: 1}) == expected.subs({s: 3, t: 2, i: 1, c: 1})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sigmoid(W*x + W*y)", nn.sigmoid(W * x + W * y)),
        ("softmax(x)", nn.softmax(x)),
        ("softmax_cross_entropy(x, y)", nn.softmax_cross_entropy(x, y)),
        ("softmax_cross_entropy(x, c)", nn.softmax_cross_entropy(x, c)),
        ("leaky_relu(x, slope=0.2)", nn.leaky_relu(x, sp.Rational(1, 5))),
        ("leaky_relu(3*s)", nn.leaky_relu(3 * s)),
        ("softplus(-s)", nn.softplus(-s)),
        ("elu(s + t)", nn.elu(s + t)),
        ("huber(s + 1, t)", nn.huber(s + 1, t)),
        ("total(x)", nn.total(x)),
        ("l2_penalty(0.1, W, V)", nn.l2_penalty(sp.Rational(1, 10), W, V)),
        ("dense(W, x)", W * x),
    ],
)
def test_vocabulary(text, expected):
    assert read(text) == expected


def test_every_formula_of_nn_is_known():
    not_formulas = {"elementwise", "index", "indexed", "label", "matrix", "mlp_equations", "scalar", "vector"}
    functions = {name for name in nn.__all__ if name.islower()} - not_formulas
    assert functions <= set(FUNCTIONS)
    assert not not_formulas & set(FUNCTIONS)


@pytest.mark.parametrize(
    ("text", "column", "problem", "hint"),
    [
        ("s + sigmod(t)", 5, "unknown function 'sigmod'", "did you mean 'sigmoid'?"),
        ("s + pix", 5, "unknown name 'pix'", "'pi'"),
        ("σσ*σ*(σ + tt)", 1, "unknown name 'σσ'", "'σ'"),
        ("σ*σ*(σ + tt)", 10, "unknown name 'tt'", "'t'"),
        ("W*x + 1", 7, "3x1 and scalar", "index notation"),
        ("W*x + x", 7, "3x1 and 4x1", None),
        ("s + x.T*x", 5, "scalar and 1x1", "M[0, 0]"),
        ("s*x*W", 5, "4x1 times 3x4", None),
        ("W*W", 3, "3x4 times 3x4", "hadamard"),
        ("x.T @ s", 7, "one side is a scalar", "write *"),
        ("1/x", 3, "division by a matrix", "reciprocal"),
        ("x**2", 1, "power of or by a matrix", "square(a)"),
        ("sigmoid(W*W)", 11, "3x4 times 3x4", None),
        ("softmax_cross_entropy(x, W)", 1, "softmax_cross_entropy(4x1, 3x4)", None),
        ("s(t)", 1, "a name, not a function", "s*(...)"),
        ("sigmoid", 1, "needs arguments", "sigmoid(...)"),
        ("s^2", 2, "'^'", "**"),
        ("2s", 2, "runs into", "2*s"),
        ("s s", 3, "not a formula", None),
        ("s + ", 4, "ends too early", None),
        ("(s", 1, "never closed", None),
        ("s)", 2, "closes no bracket", None),
        ("s % 2", 3, "'%'", "floor"),
        ("s if t else 0", 3, "'if'", "where("),
        ("s.real", 1, "attribute 'real'", ".T"),
        ("x[4]", 1, "4 entries along axis 0, and the index is 4", "start at 0"),
        ("sum(x[j + 1], (j, 0, 3))", 5, "j + 1 runs from 1 to 4", "both included"),
        ("W[0]", 1, "takes 2 indices", None),
        ("x[i*i]", 3, "is not an index", "integer combination"),
        ("x[s]", 3, "is not an index", "integer combination"),
        ("A + 1", 1, "3 axes", "A[i, ...]"),
        ("A[0, 1]", 1, "takes 3 indices", None),
        ("sum(x[j], (j, 3, 0))", 11, "from 3 to 0", "first, last"),
        ("sum(x)", 1, "index with its bounds", "total(x)"),
        ("sum(x[i], (i, 0, 3))", 12, "another meaning", "another letter"),
        ("9**9**9", 4, "exponent", None),
        ("s + 1/0", 7, "division by zero", None),
        ("s + log(-1)", 5, "not a real number", None),
        ("s > 0", 1, "not a number or a matrix", "where("),
        ("where(s, 1, 2)", 7, "condition is needed", "x > 0"),
        ("where(x > 0, 1, 2)", 7, "scalar is needed", "index it"),
        ("piecewise((s, s > 0))", 1, "cases open", "True"),
        ("leaky_relu(s, slope=x)", 21, "must be a number", None),
        ("leaky_relu(s, slope=3)", 1, "between 0 and 1", None),
    ],
)
def test_errors_name_the_place_and_a_way_out(text, column, problem, hint):
    error = refusal(text)
    assert error.column == column
    assert problem in error.problem
    assert hint is None or hint in error.hint


def test_line_and_column_in_texts_of_several_lines():
    error = refusal("s +\n  t +\n  tt")
    assert (error.line, error.column) == (3, 3)
    with pytest.raises(SpecError) as caught:
        parse_expression("s +\n  tt", NAMES, FUNCTIONS, line=10)
    assert (caught.value.line, caught.value.column) == (11, 3)


def test_a_name_cannot_shadow_a_function():
    for name in ("sigmoid", "sum", "where", "pi", "ｓum"):
        with pytest.raises(SpecError, match="taken by"):
            read("s", **{name: s})


def test_names_mean_only_what_the_caller_says():
    own = nn.scalar("mine")
    assert read("E*I*S", E=s, I=t, S=own) == s * t * own
    with pytest.raises(SpecError):
        parse_expression("sin(s)", NAMES, {})
    assert parse_expression("double(s)", NAMES, {"double": lambda a: 2 * a}) == 2 * s


def test_python_brings_identifiers_to_one_form():
    # U+03D5 and U+03C6 are two characters, and one identifier.
    assert read("ϕ + 1", ϕ=s) == read("φ + 1", ϕ=s) == s + 1


def test_foreign_errors_of_functions_become_spec_errors():
    def broken(a):
        raise KeyError("inside")

    with pytest.raises(SpecError, match=r"broken\(scalar\)"):
        parse_expression("broken(s)", NAMES, {"broken": broken})
    with pytest.raises(SpecError, match="gives no number"):
        parse_expression("broken(s)", NAMES, {"broken": lambda a: "text"})


def test_deep_formulas_need_no_deep_stack():
    depth = 55
    text = "sin(-(1 + 2*" * (depth // 2) + "s" + "))" * (depth // 2)
    results = []
    thread = threading.Thread(target=lambda: results.append(read(text)))
    thread.start()
    thread.join()
    assert results[0].has(sp.sin)


def test_running_out_of_stack_is_a_spec_error():
    def endless(a):
        return endless(a)

    with pytest.raises(SpecError, match="too deeply"):
        parse_expression("endless(s)", NAMES, {"endless": endless})


def assert_answered(text: str) -> None:
    """A formula or a SpecError comes of `text`, and nothing else."""
    with contextlib.suppress(SpecError):
        assert isinstance(read(text), sp.Basic)


CHARACTERS = "sxWAcij0123456789+-*/@()[]., <>=!:^'\"\\#%&|~{};\n\t\0_σ²"
ALPHABET = st.sampled_from([*CHARACTERS, "**", ".T", "sum(", "exp("])


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_gives_a_formula_or_a_spec_error(text):
    assert_answered(text)


@settings(max_examples=500, deadline=None)
@given(st.lists(ALPHABET, max_size=25).map("".join))
def test_any_near_formula_gives_a_formula_or_a_spec_error(text):
    assert_answered(text)


ATOMS = st.sampled_from(["s", "t", "x", "y", "W", "A", "i", "c", "0", "1", "2", "0.5", "7", "pi", "x[0]"])
OPERATORS = st.sampled_from(["+", "-", "*", "/", "**", "@", "<", "==", " and "])
CALLS = st.sampled_from(sorted(FUNCTIONS))


def _grow(inner):
    return st.one_of(
        st.tuples(inner, OPERATORS, inner).map("".join),
        inner.map("({})".format),
        inner.map("-({})".format),
        inner.map("({}).T".format),
        st.tuples(CALLS, st.lists(inner, max_size=3)).map(lambda call: f"{call[0]}({', '.join(call[1])})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]})[{pair[1]}]"),
        st.tuples(inner, inner).map(lambda pair: f"sum({pair[0]}, (j, 0, {pair[1]}))"),
        st.tuples(inner, inner, inner).map(lambda trio: f"where({trio[0]} > 0, {trio[1]}, {trio[2]})"),
    )


@settings(max_examples=600, deadline=None)
@given(st.recursive(ATOMS, _grow, max_leaves=12))
def test_any_well_formed_text_gives_a_formula_or_a_spec_error(text):
    assert_answered(text)
