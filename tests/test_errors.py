"""Every refusal is a typed error that names the equation and says what to write instead."""

import inspect
import itertools

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.errors import SpecError, shorten

x, y = sp.symbols("x y")
E = sp.Symbol("E")
v, w = sb.vector("v", 3), sb.vector("w", 3)
M = sb.matrix("M", 3, 3)
f = sp.Function("f")


class Valueless(sp.Function):
    """Says what its derivative is, not what its value is."""

    def fdiff(self, argindex=1):
        return sp.cos(self.args[0])


def network(*equations, **roles):
    return sb.compile(sb.Network(equations, **roles), cache=False)


def wrt(*symbols):
    return sb.compile(sb.Network([sp.Eq(E, x)], inputs=[x], loss=E), wrt=symbols, cache=False)


def sized(dims, n="n"):
    size = sp.Symbol(n) if isinstance(n, str) else n
    A = sp.MatrixSymbol("A", size, size)
    net = sb.Network([sp.Eq(E, sp.Trace(A))], parameters=[A], loss=E)
    return sb.compile(net, dims=dims, cache=False)


BIG, ONES = sp.OneMatrix(2**21, 2**21), sb.matrix("ONES", 2**21, 2**21)
BAD_SIZES = [0, -3, 2.5, "3", None, True, float("nan"), 10**30]

REFUSED = {
    "undefined": (sb.NetworkError, lambda: network(sp.Eq(E, x * y), inputs=[x], loss=E)),
    "defined twice": (sb.NetworkError, lambda: network(sp.Eq(E, x), sp.Eq(E, x + 1), inputs=[x], loss=E)),
    "an input redefined": (sb.NetworkError, lambda: network(sp.Eq(x, y), inputs=[x, y])),
    "declared twice": (sb.NetworkError, lambda: network(sp.Eq(E, x), inputs=[x, x], loss=E)),
    "used before": (sb.NetworkError, lambda: network(sp.Eq(E, y), sp.Eq(y, x), inputs=[x], loss=E)),
    "cyclic": (sb.NetworkError, lambda: network(sp.Eq(E, y), sp.Eq(y, E), inputs=[x], loss=E)),
    "loss undefined": (sb.NetworkError, lambda: network(sp.Eq(E, x), inputs=[x], loss=y)),
    "loss not scalar": (sb.ShapeError, lambda: network(sp.Eq(w, M * v), inputs=[v], parameters=[M], loss=w)),
    "not an equation": (sb.NetworkError, lambda: network("a = b", inputs=[x])),
    "simplified away": (sb.NetworkError, lambda: network(sp.Eq(x, x), inputs=[x])),
    "not a list": (sb.NetworkError, lambda: sb.Network(5)),
    "a text as input": (sb.NetworkError, lambda: sb.Network([sp.Eq(E, x)], inputs=["x"])),
    "square root of -2": (sb.UnsupportedError, lambda: sb.compile(x * sp.sqrt(-2))),
    "I": (sb.UnsupportedError, lambda: sb.compile(x * sp.I)),
    "log(-1)": (sb.UnsupportedError, lambda: sb.compile(x + sp.log(-1))),
    "acos(2)": (sb.UnsupportedError, lambda: sb.compile(x + sp.acos(2))),
    "cube root of -8": (sb.UnsupportedError, lambda: sb.compile(x * (-8) ** sp.Rational(1, 3))),
    "infinite": (sb.UnsupportedError, lambda: sb.compile(x + sp.oo)),
    "nan": (sb.UnsupportedError, lambda: sb.compile(sp.nan)),
    "undefined function": (sb.UnsupportedError, lambda: sb.compile(f(x))),
    "no value": (sb.UnsupportedError, lambda: sb.compile(Valueless(x))),
    "unevaluated": (sb.UnsupportedError, lambda: sb.compile(sp.Integral(sp.sin(x) * sp.exp(-(x**2)), x))),
    "limit": (sb.UnsupportedError, lambda: network(sp.Eq(E, sp.Limit(sp.sin(x) / x, x, 0)), inputs=[x])),
    "substitution": (sb.UnsupportedError, lambda: sb.compile(sp.Subs(sp.Derivative(f(y), y), y, x))),
    "integral": (sb.UnsupportedError, lambda: sb.compile(sp.Integral(sp.exp(-(y**4)), (y, 0, x)), args=[x])),
    "remainder": (sb.UnsupportedError, lambda: sb.compile(x + sp.O(x**2))),
    "a condition as value": (sb.UnsupportedError, lambda: network(sp.Eq(E, x > y), inputs=[x, y], loss=E)),
    "two conditions": (sb.UnsupportedError, lambda: network(sp.Eq(E, sp.And(x > y, y > 0)), inputs=[x, y])),
    "several values": (sb.UnsupportedError, lambda: network(sp.Eq(E, sp.Tuple(x, y)), inputs=[x, y])),
    "matrix function": (sb.UnsupportedError, lambda: sb.compile(sp.exp(M))),
    "determinant": (sb.UnsupportedError, lambda: sb.compile(sp.Determinant(M))),
    "inverse": (sb.UnsupportedError, lambda: sb.compile(sp.Trace(M.inv()))),
    "text": (sb.SymbpError, lambda: sb.compile("x + 1")),
    "None": (sb.SymbpError, lambda: sb.compile(None)),
    "loss is a number": (sb.NetworkError, lambda: sb.Network([sp.Eq(E, x)], inputs=[x], loss=3)),
    "loss is an expression": (sb.NetworkError, lambda: sb.Network([sp.Eq(E, x)], inputs=[x], loss=x + 1)),
    "an array as equations": (sb.NetworkError, lambda: sb.Network(np.ones(3))),
    "None as equation": (sb.NetworkError, lambda: sb.Network([None])),
    "an array as input": (sb.NetworkError, lambda: sb.Network([sp.Eq(E, x)], inputs=[np.ones(2)])),
    "reduction": (sb.NetworkError, lambda: sb.Network([sp.Eq(E, x)], inputs=[x], reduction=np.ones(2))),
    "batch": (sb.NetworkError, lambda: sb.Network([sp.Eq(E, x)], inputs=[x], batch=np.ones(2))),
    "not commutative": (sb.NetworkError, lambda: sb.compile(sp.Symbol("A", commutative=False) * x)),
    "imaginary symbol": (sb.NetworkError, lambda: sb.compile(sp.Symbol("z", imaginary=True) + x)),
    "False": (sb.NetworkError, lambda: network(sp.Eq(1, 2), inputs=[x])),
    "an equation as expression": (sb.NetworkError, lambda: sb.compile(sp.Eq(x, y))),
    "a relation": (sb.NetworkError, lambda: sb.compile(x > y)),
    "a class": (sb.NetworkError, lambda: sb.compile(sb.Network)),
    "an array": (sb.NetworkError, lambda: sb.compile(np.array([1.0, 2.0]))),
    "an empty list": (sb.NetworkError, lambda: sb.compile([])),
    "wrt a number": (sb.NetworkError, lambda: sb.compile(x * y, wrt=3)),
    "wrt unknown": (sb.NetworkError, lambda: wrt(y)),
    "wrt None": (sb.NetworkError, lambda: wrt(None)),
    "wrt twice": (sb.NetworkError, lambda: wrt(x, x)),
    "wrt a result": (sb.NetworkError, lambda: wrt(E)),
    "args a number": (sb.NetworkError, lambda: sb.compile(x * y, args=3)),
    "args incomplete": (sb.NetworkError, lambda: sb.compile(x * y, args=[x])),
    **{
        f"dims {d!r}": (sb.ShapeError, lambda d=d: sized(d)) for d in ([3], 3, *({"n": s} for s in BAD_SIZES))
    },
    "a dimension as parameter": (sb.NetworkError, lambda: sized({"A": 3}, "A")),
    "a dimension as argument": (sb.NetworkError, lambda: sb.compile(sb.vector("u", x) * x, args=[x])),
    "too many entries": (sb.ShapeError, lambda: sized({"n": 2**21})),
    "too many entries of a result": (sb.ShapeError, lambda: network(sp.Eq(ONES, x * BIG), inputs=[x])),
    "too many entries inside": (sb.ShapeError, lambda: sb.compile(sb.total(sb.tanh(sb.tanh(x * BIG) * BIG)))),
    "no whole dimension": (sb.ShapeError, lambda: sized({"m": 3}, sp.Symbol("m") / 2)),
    "dims missing": (sb.ShapeError, lambda: sized({}).init(0)),
    "dtype": (sb.DataError, lambda: sb.compile(x, dtype="float16")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    kind, attempt = REFUSED[case]
    with pytest.raises(kind) as caught:
        attempt()
    assert caught.value.hint
    if kind is sb.UnsupportedError:
        assert "=" in caught.value.equation


def test_names_the_equation_and_what_to_write():
    with pytest.raises(sb.UnsupportedError) as caught:
        sb.compile(sp.exp(M))
    assert "exp(M)" in caught.value.equation
    assert "sb.exp" in caught.value.hint


OPERANDS = [
    x,
    v,
    w,
    M,
    sb.matrix("N", 2, 4),
    sb.vector("s", sp.Symbol("n")),
    sp.Matrix([1, 2]),
    sb.indexed("A", 3, 4),
    sb.index("i", 3),
    sb.label("y"),
    3,
    2.5,
    "x",
    None,
    True,
    1j,
    sp.I,
    sp.nan,
    float("inf"),
    [1, 2],
    [x, v],
    np.ones(3),
    sp.Eq(x, y),
    x > y,
    v.T,
    sp.Lambda(x, x),
    f,
    {},
    object(),
    sp.Symbol("c", commutative=False),
    sp.exp(M),
    M**-1,
    sp.Tuple(x, y),
    lambda t: t,
    (2, 3),
    sp.ZeroMatrix(0, 0),
]
VOCABULARY = [n for n in sb.nn.__all__ if callable(getattr(sb, n)) and n not in ("MlpEquations", "matrix")]


@pytest.mark.parametrize("name", VOCABULARY)
def test_the_vocabulary_takes_an_operand_or_says_what_to_write(name):
    function = getattr(sb, name)
    errors = []
    for count in (1, 2):
        for operands in itertools.product(OPERANDS, repeat=count):
            try:
                inspect.signature(function).bind(*operands)
            except TypeError:
                continue
            try:
                function(*operands)
            except sb.SymbpError as error:
                errors.append(error)
    assert errors
    assert [e for e in errors if not e.hint] == []


def test_shapes_that_do_not_fit_name_both():
    for attempt in (
        lambda: sb.dense(M, sb.vector("q", 4)),
        lambda: sb.dense(M, v, sb.vector("q", 4)),
        lambda: sb.softmax_cross_entropy(v, sb.vector("q", 4)),
        lambda: sb.hadamard(M, v),
        lambda: sb.dot(v, sb.vector("q", 4)),
    ):
        with pytest.raises(sb.ShapeError, match=r"\(3, [13]\).*\((3|4), 1\)"):
            attempt()


def test_index_out_of_range():
    i = sb.index("i", 4)
    base, out = sb.indexed("A", 3), sb.indexed("B", 4)
    with pytest.raises(sb.ShapeError, match="3 entries"):
        network(sp.Eq(out[i], base[i]), inputs=[base])


def test_spec_error_carries_its_place():
    error = SpecError("unknown name", line=3, column=7)
    assert (error.line, error.column) == (3, 7)
    assert str(error).startswith("line 3, column 7")


def test_shorten_keeps_both_ends():
    text = shorten("a" * 500 + "end")
    assert len(text) <= 300
    assert text.endswith("end")
    assert shorten("two\nlines") == "two lines"


@pytest.mark.parametrize("limit", [20, 40, 60, 300])
def test_shortened_text_keeps_its_limit(limit):
    assert len(shorten("x" * 10_000, limit)) <= limit
    assert shorten("short", limit) == "short"
