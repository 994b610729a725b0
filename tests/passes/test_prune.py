import pytest
import sympy as sp

from symbp.ir import Access, Index, Program, Statement, Tensor, check
from symbp.passes.prune import prune
from tests.catalogue import NAMES
from tests.passes.stages import assert_pass_keeps_meaning, stages, work_of


@pytest.mark.parametrize("name", NAMES)
def test_meaning_is_kept(name):
    assert_pass_keeps_meaning(name, "prune")


@pytest.mark.parametrize("name", NAMES)
def test_every_statement_left_is_needed(name):
    for before, after in stages(name)["prune"]:
        assert work_of(after) <= work_of(before)
        for k in range(len(after.statements)):
            short = Program(after.tensors, after.statements[:k] + after.statements[k + 1 :], after.outputs)
            with pytest.raises(AssertionError):
                check(short)


def test_dead_statements_go_and_what_conditions_read_stays():
    i = Index("i", 3)
    tensors = [Tensor("x", (3,), "input"), *(Tensor(n, ()) for n in "abs")]
    statements = (
        Statement("a", (), Access("x", 0)),
        Statement("b", (), sp.exp(Access("a"))),
        Statement("s", (), Access("x", i), "sum", (i,), (sp.Gt(Access("a"), 0),)),
    )
    after = prune(Program({t.name: t for t in tensors}, statements, ("s",)))
    assert [s.target for s in after.statements] == ["a", "s"]
    assert "b" not in after.tensors
    assert "x" in after.tensors
