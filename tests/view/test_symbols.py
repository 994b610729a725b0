"""Symbols are the user's own, the others are called as in the text."""

from __future__ import annotations

import sympy as sp
from sympy.tensor.indexed import IndexedBase

import symbp as sb
from symbp import nn
from symbp.ir.nodes import Index
from symbp.view.symbols import Maximum, Symbols
from tests.catalogue import CATALOGUE


def symbols(name):
    d = CATALOGUE[name].derivation
    return d, Symbols(d.network, [d.forward_program, d.backward_program], d.adjoints)


def test_vectors_are_columns():
    d, names = symbols("dense_tanh")
    assert names.of["x"] == d.network.inputs[0]
    assert names.of["delta1"] == sp.MatrixSymbol("delta1", 4, 1)
    assert names.of["dE/dW1"] == sp.MatrixSymbol("dE/dW1", 4, 3)
    assert names.of["E"] == d.network.equations[-1].lhs
    i = names.index(Index("i", 4))
    assert names.entry("delta1", (i,)) == names.of["delta1"][i, 0]


def test_what_follows_an_indexed_base_is_one():
    d, names = symbols("dense_in_indices")
    for name in ("W", "dE/dW", "delta"):
        assert isinstance(names.of[name], IndexedBase), name
    assert names.of["dE/dW"].shape == (4, 3)
    assert names.of["x"] == d.network.inputs[0]


def test_explicit_matrices_are_matrices():
    _, names = symbols("explicit_constants")
    assert names.of["c_2"] == sp.ImmutableMatrix([1, -2])
    assert names.of["c"][0, 0] == 1
    assert names.of["c"][1, 2] == sp.Float(float(sp.pi))


def test_indices_are_told_apart():
    _, names = symbols("recurrence")  # it has a scalar u and an array x
    assert names.index(Index("i", 3)) != names.index(Index("i", 4))
    assert str(names.index(Index("u", 3))) == "u_"
    first, second = names.fresh([2, 2], ())
    assert first != second
    (third,) = names.fresh([2], names.position((first, second)))
    assert names.index(third) not in names.position((first, second))
    names.begin()
    assert str(names.index(Index("i", 4))) == "i"


def test_reductions():
    _, names = symbols("dense_tanh")
    j = Index("j", 3)
    x = names.entry("x", names.position((j,)))
    assert names.reduced("sum", x, [j]) == sp.Sum(x, (names.index(j), 0, 2))
    assert names.reduced("max", x, [j]) == Maximum(x, (names.index(j), 0, 2))
    assert nn.vector("x", 3) == names.of["x"]


def test_maximum():
    i = sp.Symbol("i", integer=True)
    z = sp.MatrixSymbol("z", 3, 1)
    m = Maximum(z[i, 0], (i, 0, 2))
    assert m.doit() == sp.Max(z[0, 0], z[1, 0], z[2, 0])
    n = sp.Symbol("n")
    assert Maximum(z[i, 0], (i, 0, n)).doit() == Maximum(z[i, 0], (i, 0, n))
    assert sp.latex(m) == r"\max_{0 \le i \le 2} {z}_{i,0}"


def test_a_symbol_of_a_kind_of_its_own_stays_the_users():
    y, z, E = sb.one_hot("y", 2), sb.vector("z", 2), sp.Symbol("E")
    net = sb.Network([sp.Eq(E, sb.softmax_cross_entropy(z, y))], inputs=[y], parameters=[z], loss=E)
    assert y in sb.derive(net).backward[-1].rhs.atoms(sp.MatrixSymbol)
