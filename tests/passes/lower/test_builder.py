"""The builder: fresh names, labels, reductions, and foreign exceptions."""

import pytest
import sympy as sp

import symbp as sb
from symbp.ir.nodes import Access, Index, Tensor
from symbp.passes.lower import lower
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


def test_reduce_takes_common_factors_out_of_sums():
    b = builder()
    i, k = Index("i", 2), Index("k", 3)
    c, u, v, A, B = Access("c"), Access("u", i), Access("v", k), Access("A", k), Access("B", i, k)
    assert b.reduce(c * u * A + c * u * v, (k,)) == c * u * Access("s_E")
    assert b.statements[-1].body == A + v
    assert b.reduce(2 * B - 2 * A, (k,)) == 2 * Access("s_E_2", i)
    assert b.statements[-1].body == B - A
    assert b.reduce(2 * B + 3 * A, (k,)) == Access("s_E_3", i)
    # A term without the summed index stays inside: taken out, digits would be lost to cancellation.
    assert b.reduce(A - u, (k,)) == Access("s_E_4", i)


def test_reduce_multiplies_by_ranges_that_nothing_depends_on():
    b = builder()
    i, k = Index("i", 2), Index("k", 3)
    assert b.reduce(Access("A", i), (i, k)) == 3 * Access("s_E")
    assert b.statements[-1].bound == (i,)


def test_reduce_orders_axes_and_takes_a_name():
    b = builder()
    i, j, k = Index("i", 2), Index("j", 4), Index("k", 3)
    assert b.reduce(Access("A", j, k) * Access("B", k, i), (k,), (), (i, j), "z") == Access("z", i, j)


def test_the_last_reduction_takes_a_name():
    b = builder()
    i, j, k = Index("i", 2), Index("j", 4), Index("k", 3)
    body = b.reduce(Access("A", j, k) * Access("B", k, i), (k,), (), (j, i))
    assert b.name("z", (i, j), body) == Access("z", i, j)
    assert [s.target for s in b.statements] == ["z"]
    assert "s_E" not in b.tensors
    b.name("y", (i, j), Access("z", i, j) + 1)
    assert [s.target for s in b.statements] == ["z", "y"]


def test_a_reduction_that_is_read_elsewhere_keeps_its_name():
    b = builder()
    i, k = Index("i", 2), Index("k", 3)
    body = b.reduce(Access("A", i, k), (k,))
    b.memo["stored", "node", ()] = body, i, sp.S.Zero
    b.name("z", (i,), body)
    assert [s.target for s in b.statements] == ["s_E", "z"]


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


def test_shapes_that_sympy_finds_are_shape_errors():
    u, v = sb.vector("u", 3), sb.vector("v", 4)
    with pytest.raises(sb.ShapeError, match="do not fit") as caught, refusals(builder()):
        u + v
    assert caught.value.equation == "E"
    assert caught.value.hint


def test_the_sum_that_an_activation_is_a_function_of_is_its_z():
    x, W = sb.indexed("x", 3), sb.indexed("W", 2, 3)
    a1, E = sb.indexed("a1", 2), sp.Symbol("E")
    i, j = sb.index("i", 2), sb.index("j", 3)
    total = sp.Sum(W[i, j] * x[j], (j, 0, 2))
    loss = sp.Eq(E, sp.Sum(a1[i] ** 2, (i, 0, 1)) ** 2)

    def names(activation):
        net = sb.Network([sp.Eq(a1[i], activation), loss], inputs=[x], parameters=[W], loss=E)
        return [s.target for s in lower(net).statements]

    assert names(sp.tanh(total)) == ["z1", "a1", "s_E", "E"]
    assert names(1 / (1 + sp.exp(-total))) == ["z1", "a1", "s_E", "E"]
    assert names(2 * total + 1) == ["s_a1", "a1", "s_E", "E"]
    assert names(total) == ["a1", "s_E", "E"]
