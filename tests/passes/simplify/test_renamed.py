import sympy as sp

from symbp.ir.nodes import Access, Index, Program, Statement, Tensor
from symbp.passes.simplify.renamed import renamed, renamed_body

k = Index("k", 3)


def test_targets_bodies_and_conditions():
    tensors = {t.name: t for t in (Tensor("z", (3,), "input"), Tensor("s", ()), Tensor("r", ()))}
    statements = (
        Statement("s", (), Access("z", k), "sum", (k,)),
        Statement("r", (), Access("z", k), "sum", (k,), (sp.Gt(Access("s"), 0),)),
    )
    after = renamed(Program(tensors, statements, ("r",)), {"s": "t"})
    assert [s.target for s in after.statements] == ["t", "r"]
    assert after.statements[1].where == (sp.Gt(Access("t"), 0),)
    assert list(after.tensors) == ["z", "t", "r"]
    assert after.tensors["t"].name == "t"


def test_indices_stay():
    body = sp.exp(Access("a", k)) + Access("b")
    assert renamed_body(body, {"a": "c"}) == sp.exp(Access("c", k)) + Access("b")
