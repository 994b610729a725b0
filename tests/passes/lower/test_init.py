"""Lowering a network: statements, shapes and the loss."""

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.errors import UnsupportedError
from symbp.ir.walk import accesses
from symbp.passes.lower import declared_shape, lower
from tests.passes.lower.lowered import run

x, E = sp.symbols("x E")


def test_an_equation_that_is_one_contraction_is_one_statement():
    W, v, z = sb.matrix("W", 2, 3), sb.vector("v", 3), sb.vector("z", 2)
    program = lower(sb.Network([sp.Eq(z, W * v)], inputs=[v], parameters=[W]))
    (statement,) = program.statements
    assert statement.target == "z"
    assert statement.reduce == "sum"
    assert program.outputs == ("z",)


def test_pre_activations_have_their_names_with_and_without_a_bias():
    W, M, v, b = sb.matrix("W", 2, 3), sb.matrix("M", 3, 4), sb.vector("v", 3), sb.vector("b", 2)
    a1, h2, p, q = sb.vector("a1", 2), sb.vector("h2", 2), sb.vector("p", 2), sb.matrix("q", 4, 2)
    for right in (W * v, W * v + b, 2 * W * v):
        equations = [sp.Eq(a1, sb.tanh(right)), sp.Eq(h2, sb.sin(right + a1)), sp.Eq(p, sb.exp(b - right))]
        statements = lower(sb.Network(equations, inputs=[W, v, b])).statement_of()
        for name, wish in (("a1", "z1"), ("h2", "z2"), ("p", "z_p")):
            (argument,) = accesses(statements[name].body)
            assert argument.name == wish
            assert wish in statements
    (first, second) = lower(sb.Network([sp.Eq(q, sb.tanh((W * M).T))], inputs=[W, M])).statements
    assert first.target == "z_q"
    assert [i.extent for i in first.indices] == [4, 2]
    assert second.body == sp.tanh(first.access)


def test_a_product_of_an_earlier_equation_is_read_there():
    W, v, a1, p = sb.matrix("W", 2, 3), sb.vector("v", 3), sb.vector("a1", 2), sb.vector("p", 2)
    program = lower(sb.Network([sp.Eq(a1, sb.tanh(W * v)), sp.Eq(p, sb.sin(W * v))], inputs=[W, v]))
    assert [s.target for s in program.statements] == ["z1", "a1", "p"]


def test_a_users_z1_is_not_overwritten():
    W, v, a1, z1 = sb.matrix("W", 2, 3), sb.vector("v", 3), sb.vector("a1", 2), sb.vector("z1", 3)
    equations = [sp.Eq(a1, sb.tanh(W * v)), sp.Eq(z1, 2 * v)]
    nW, nv = np.ones((2, 3)), np.arange(3.0)
    got = run(equations, {W: nW, v: nv})
    np.testing.assert_allclose(got["z1"], 2 * nv)
    np.testing.assert_allclose(got["a1"], np.tanh(nW @ nv))


def test_declared_shapes():
    n = sp.Symbol("n")
    assert declared_shape(sp.MatrixSymbol("W", 2, n), {"n": 3}, {}) == (2, 3)
    assert declared_shape(sp.MatrixSymbol("b", n, 1), {"n": 3}, {}) == (3,)
    assert declared_shape(sp.IndexedBase("A"), {}, {"A": (4,)}) == (4,)
    assert declared_shape(x, {}, {}) == ()
    with pytest.raises(sb.ShapeError, match="not given"):
        declared_shape(sp.IndexedBase("A"), {}, {})


def test_the_loss_must_be_a_scalar():
    v, w = sb.vector("v", 3), sb.vector("w", 3)
    with pytest.raises(sb.ShapeError, match="must be a scalar") as caught:
        lower(sb.Network([sp.Eq(w, 2 * v)], inputs=[v], loss=w))
    assert caught.value.equation == "w = 2*v"
    assert "sb.total" in caught.value.hint


def test_errors_name_their_own_equation():
    equations = [sp.Eq(sp.Symbol("fine"), x**2), sp.Eq(E, sp.zeta(x))]
    with pytest.raises(sb.UnsupportedError) as caught:
        lower(sb.Network(equations, inputs=[x], loss=E))
    assert caught.value.equation == "E = zeta(x)"


def test_equations_are_printed_for_error_messages_alone(monkeypatch):
    printed = []
    monkeypatch.setattr("symbp.network.brief", lambda body: printed.append(body) or "printed")
    (statement,) = lower(sb.Network([sp.Eq(E, sp.sin(x) + 1)], inputs=[x])).statements
    assert not printed
    assert str(statement.origin) == "E = printed"
    assert printed == [sp.sin(x) + 1]
    with pytest.raises(UnsupportedError, match="E = printed"):
        lower(sb.Network([sp.Eq(E, sp.I * x)], inputs=[x]))
