"""The builder: fresh names, labels, reductions, and foreign exceptions."""

import pytest
import sympy as sp

import symbp as sb
from symbp.ir.nodes import Access, Index, Tensor
from symbp.passes.lower.builder import Builder, fresh_index, refusals


def builder():
    b = Builder({}, frozenset({"reserved"}))
    b.equation = b.current = "E"
    return b


def test_fresh_names_avoid_tensors_and_reserved_names():
    b = builder()
    b.declare(Tensor("t", ()))
    assert [b.fresh_name(n) for n in ("t", "reserved", "new")] == ["t_2", "reserved_2", "new"]


def test_fresh_index_avoids_taken_names():
    taken = [Index("i", 3), Index("j", 4)]
    assert fresh_index("i", 3, taken).name == "k"
    assert fresh_index("z", 3, taken).name == "z"
    many = [Index(n, 2) for n in "ijklmpqrst"]
    assert fresh_index("i", 2, many).name not in {i.name for i in many}


def test_reduce_moves_loop_invariant_factors_out():
    b = builder()
    i, k = Index("i", 2), Index("k", 3)
    got = b.reduce(Access("c", i) * Access("A", k), (k,))
    (statement,) = b.statements
    assert statement.indices == ()
    assert statement.bound == (k,)
    assert got == Access("c", i) * Access("s_E")
    assert b.reduce(sp.Integer(5), (k,)) == 15


def test_labels_keep_the_smallest_bound():
    b = builder()
    b.declare(Tensor("y", (), "input"))
    b.label("y", 10)
    b.label("y", 4)
    b.label("y", 7)
    assert b.tensors["y"].bound == 4
    b.declare(Tensor("w", (), "parameter"))
    with pytest.raises(sb.UnsupportedError, match="not an input"):
        b.label("w", 3)


@pytest.mark.parametrize("error", [TypeError, ValueError, AttributeError, RecursionError, ZeroDivisionError])
def test_foreign_exceptions_name_the_equation(error):
    with pytest.raises(sb.UnsupportedError) as caught, refusals(builder()):
        raise error("from SymPy")
    assert caught.value.equation == "E"
    assert caught.value.hint


def test_own_errors_pass_unchanged():
    mine = sb.ShapeError("mine")
    with pytest.raises(sb.ShapeError) as caught, refusals(builder()):
        raise mine
    assert caught.value is mine
