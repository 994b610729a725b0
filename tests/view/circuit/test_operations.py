"""Which gates an expression has: those of a lecture."""

import pytest
import sympy as sp

import symbp as sb

x, y, z, a, b = sp.symbols("x y z a b")


def gates(expression, **options):
    """`name = operation(operands)` of each gate."""
    c = sb.circuit(expression, **options)
    return [f"{g.name} = {g.operation} {' '.join(g.inputs)}".rstrip() for g in c if not g.is_symbol]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ((x + y) * z, ["g1 = + x y", "f = * g1 z"]),
        (x + y + 1, ["g1 = + x y", "f = +1 g1"]),
        (x - 3, ["f = -3 x"]),
        (x - y, ["g1 = *-1 y", "f = + g1 x"]),
        (-x - y, ["g1 = + x y", "f = *-1 g1"]),
        (-x - 1, ["g1 = +1 x", "f = *-1 g1"]),
        (-(a * x + b * y + z), ["g1 = * a x", "g2 = * b y", "g3 = + g1 g2 z", "f = *-1 g3"]),
        (-x, ["f = *-1 x"]),
        (x / 2, ["f = *1/2 x"]),
        (x / y, ["g1 = 1/x y", "f = * x g1"]),
        (3 / x, ["g1 = 1/x x", "f = *3 g1"]),
        (x / (a * b**2), ["g1 = ^2 b", "g2 = * a g1", "g3 = 1/x g2", "f = * x g3"]),
        (x**2, ["f = ^2 x"]),
        (x**-2, ["g1 = ^2 x", "f = 1/x g1"]),
        (sp.sqrt(x), ["f = sqrt x"]),
        (1 / sp.sqrt(x), ["g1 = sqrt x", "f = 1/x g1"]),
        (x ** sp.Rational(3, 2), ["f = ^(3/2) x"]),
        (x**y, ["f = ^ x y"]),
        (2**x, ["f = 2^x x"]),
        (sp.exp(-x), ["g1 = *-1 x", "f = exp g1"]),
        (sp.Abs(x), ["f = |x| x"]),
        (sp.Max(0, x), ["f = max(0, x) x"]),
        (sp.Max(x / 10, x), ["g1 = *1/10 x", "f = max x g1"]),
        (sp.atan2(y, x), ["f = atan2 y x"]),
        (sp.sqrt(2) * x, ["f = *sqrt(2) x"]),
        (x + sp.pi, ["f = +pi x"]),
        (sp.Mul(x, x, evaluate=False), ["f = * x x"]),
        (sp.Piecewise((x**2, x > 1), (y, True)), ["g1 = ^2 x", "f = a if b > 1 else c g1 x y"]),
        (sp.Piecewise((x, x > 0), (0, True)), ["f = x if x > 0 else 0 x"]),
        (sb.sigmoid(x), ["g1 = *-1 x", "g2 = exp g1", "g3 = +1 g2", "f = 1/x g3"]),
        (x, ["f = = x"]),
        (sp.Integer(3), ["f = 3"]),
        (sp.sec(x), ["f = sec x"]),
    ],
    ids=str,
)
def test_gates(expression, expected):
    assert gates(expression) == expected


def test_a_shared_sub_expression_is_one_gate():
    u = sp.sin(x * y)
    assert gates(u * x + sp.exp(u)) == [
        "g1 = * x y",
        "g2 = sin g1",
        "g3 = exp g2",
        "g4 = * g2 x",
        "f = + g3 g4",
    ]
    # Also a part of a sum and an argument.
    assert str(gates(sp.exp(-x) + y * (sp.sin(y) - x))).count("*-1") == 1


def test_operands_stand_in_the_order_of_their_symbols():
    w = sp.symbols("w1:13")
    c = sb.circuit(sp.Add(*(wk * x for wk in reversed(w))))
    products = [c[n].inputs for n in c["f"].inputs]
    assert products == [(wk.name, "x") for wk in w]
    assert sb.circuit(b + x * y)["f"].inputs == ("g1", "b")


def test_binary_gates():
    assert gates(x * a + y * b + z, binary=True) == ["g1 = * a x", "g2 = * b y", "g3 = + g1 g2", "f = + g3 z"]
    assert gates(x * y * z, binary=True) == ["g1 = * x y", "f = * g1 z"]
    assert gates(x / (a * b * y), binary=True) == ["g1 = * a b", "g2 = * g1 y", "g3 = 1/x g2", "f = * x g3"]


def test_order_of_wires_matters_for_some():
    assert sb.circuit(x**y)["f"].ordered
    assert sb.circuit(sp.atan2(x, y))["f"].ordered
    assert not sb.circuit(x * y)["f"].ordered
    assert not sb.circuit(sp.Max(x, y))["f"].ordered


class Bump(sp.Function):
    """A function of the user's: exp(-x**2)."""

    def fdiff(self, argindex=1):
        return -2 * self.args[0] * self

    def _eval_rewrite_as_exp(self, u, **_):
        return sp.exp(-(u**2))


def test_a_function_of_the_users_is_one_gate():
    c = sb.circuit(Bump(x * y), {x: 0.5, y: 2})
    assert c["f"].operation == "Bump"
    assert c["f"].value == pytest.approx(float(sp.exp(-1)))
    assert c["x"].gradient == pytest.approx(float(-4 * sp.exp(-1)))


@pytest.mark.parametrize(
    "expression",
    [
        sp.Function("h")(x),
        sp.I * x,
        sp.Sum(x**y, (y, 0, 3)),
        sp.Derivative(sp.Function("h")(x), x),
        sp.zoo * x,
        sp.zeta(x),
        sp.Integral(sp.exp(-(y**2)), (y, 0, x)),
    ],
    ids=lambda e: type(e).__name__,
)
@pytest.mark.parametrize("values", [None, {x: 1}])
def test_what_is_no_operation_on_numbers_is_refused(expression, values):
    with pytest.raises(sb.UnsupportedError):
        sb.circuit(expression, values)


def test_deep_and_shared_expressions():
    deep = x
    for _ in range(5_000):
        deep = sp.sin(deep, evaluate=False)
    with pytest.raises(sb.UnsupportedError, match="more than 400 gates"):
        sb.circuit(deep, {x: 1})
    shared = x
    for _ in range(60):  # 2**60 nodes as a tree
        shared = sp.Add(sp.Mul(shared, shared, evaluate=False), shared, evaluate=False)
    c = sb.circuit(shared, {x: 1e-3})
    assert len(c) == 121
    assert 0 < c["f"].value < 0.01
