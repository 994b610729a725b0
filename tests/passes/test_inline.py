import pytest
import sympy as sp

from symbp.ir import Access, Index, Program, Statement, Tensor, check
from symbp.passes.inline import LIMIT, inline
from tests.catalogue import NAMES
from tests.passes.stages import assert_pass_keeps_meaning, stages


@pytest.mark.parametrize("name", NAMES)
def test_meaning_is_kept(name):
    assert_pass_keeps_meaning(name, "inline")


@pytest.mark.parametrize("name", NAMES)
def test_there_are_never_more_statements(name):
    for before, after in stages(name)["inline"]:
        assert len(after.statements) <= len(before.statements)


i, j = Index("i", 3), Index("j", 4)


def program(reader, outputs=("s",), body=None):
    body = Access("a", i) * Access("b", j) if body is None else body
    tensors = [Tensor("a", (3,), "input"), Tensor("b", (4,), "input"), Tensor("t", (3, 4)), Tensor("s", ())]
    return check(Program({t.name: t for t in tensors}, (Statement("t", (i, j), body), reader), outputs))


def test_an_outer_product_moves_into_its_sum():
    s = inline(program(Statement("s", (), Access("t", i, j), "sum", (i, j)))).statements[-1]
    assert s.body == Access("a", i) * Access("b", j)


def test_what_must_stay_a_statement():
    total = Statement("s", (), Access("t", i, j), "sum", (i, j))
    again = Statement("s", (), Access("t", i, 0), "sum", (i, j))
    twice = Statement("s", (), Access("t", i, j) + Access("t", i, 0), "sum", (i, j))
    long = sum(sp.sin(k * Access("a", i)) for k in range(1, LIMIT))
    for kept in (program(again), program(twice), program(total, ("s", "t")), program(total, body=long)):
        assert inline(kept) == kept
    assert inline(program(total), only=frozenset()) == program(total)


def test_what_is_kept_is_not_moved():
    reader = Statement("s", (), Access("t", i, j), "sum", (i, j))
    before = program(reader)
    assert inline(before) != before
    assert inline(before, keep=frozenset({"t"})) == before
