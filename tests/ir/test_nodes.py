import pickle

import sympy as sp

from symbp.ir import BATCH, Access, Index, Program, Statement, Tensor, nodes

i, j = Index("i", 3), Index("j", 2)


def test_indices_of_one_name_and_different_extents_are_different():
    assert Index("i", 3) != Index("i", 5)
    assert Index("i", 3) == Index("i", 3)
    assert Index("i", 3) + Index("i", 5) != 2 * Index("i", 3)
    assert Access("x", Index("i", 3)) != Access("x", Index("i", 5))


def test_an_access_is_no_symbol_of_that_name():
    assert Access("x") != sp.Symbol("x")
    assert Access("x") + sp.Symbol("x", real=True) != 2 * Access("x")


def test_accesses_are_real_and_varying():
    x = Access("x", i)
    assert x.is_real
    assert sp.sqrt(x**2) == sp.Abs(x)
    assert not (x + 1).is_number
    assert x.name == "x"
    assert x.indices == (i,)
    assert str(Access("A", i, j + 1)) == "A[i, j + 1]"
    assert Access("A", i).free_symbols == {i}


def test_pickling_keeps_extents():
    e = Access("x", i, Index("n", BATCH)) + 1
    assert pickle.loads(pickle.dumps(e)) == e


def test_shapes_of_tensors():
    t = Tensor("x", (BATCH, 3, 2), "input")
    assert t.batched
    assert t.row_shape == (3, 2)
    assert t.row_size == 6
    assert Tensor("s", ()).row_size == 1
    assert not Tensor("s", (3,)).batched
    assert Tensor("A", (3, 2))[i, j] == Access("A", i, j)


def test_statement_order_of_loops_and_rebuilding():
    s = Statement("y", (i,), Access("A", i, j), "sum", (j,))
    assert s.domain == (i, j)
    assert s.access == Access("y", i)
    assert s.with_body(s.body) is s
    assert s.with_body(sp.S.One).body == 1
    program = Program({"A": Tensor("A", (3, 2), "input"), "y": Tensor("y", (3,))}, (s,), ("y",))
    assert program.statement_of() == {"y": s}
    assert set(program.rebuilt(()).tensors) == {"A"}
    new = Tensor("t", (3,))
    assert set(program.rebuilt([s, Statement("t", (i,), Access("y", i))], [new]).tensors) == {"A", "y", "t"}


def test_equal_entries_are_one_object():
    x = Access("x", i, 2)
    assert Access("x", Index("i", 3), sp.Integer(2)) is x
    assert x.func(*x.args) is x
    assert pickle.loads(pickle.dumps(x)) is x
    assert Access("x", i, 1) is not x
    assert Access("x", Index("i", 4), 2) is not x


def test_entries_are_forgotten_where_there_are_many(monkeypatch):
    monkeypatch.setattr(nodes, "REMEMBERED", 2)
    found = [Access("many", k) for k in range(5)]
    assert found == [Access("many", k) for k in range(5)]
    assert len(nodes._ENTRIES) <= 2
