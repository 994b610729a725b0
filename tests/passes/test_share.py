import pytest
import sympy as sp

from symbp.ir import Access, Index, Program, Statement, Tensor, check
from symbp.passes import share as module
from symbp.passes.share import share
from tests.catalogue import NAMES
from tests.passes.stages import assert_pass_keeps_meaning, stages, work_of


@pytest.mark.parametrize("name", NAMES)
def test_meaning_is_kept(name):
    assert_pass_keeps_meaning(name, "share")


@pytest.mark.parametrize("name", NAMES)
def test_no_two_statements_compute_the_same(name):
    for before, after in stages(name)["share"]:
        assert work_of(after) <= work_of(before)
        assert share(after) == after


i, j = Index("i", 3), Index("j", 3)
A, x = Tensor("A", (3, 3), "parameter"), Tensor("x", (3,), "input")


def program(*statements, outputs):
    tensors = [A, x, *(Tensor(s.target, tuple(n.extent for n in s.indices)) for s in statements)]
    return check(Program({t.name: t for t in tensors}, statements, outputs))


def test_equal_up_to_the_names_of_indices():
    twice = (
        Statement("u", (i,), Access("A", i, j) * Access("x", j), "sum", (j,)),
        Statement("v", (j,), Access("A", j, i) * Access("x", i), "sum", (i,)),
        Statement("s", (i,), Access("u", i) + sp.sin(Access("v", i))),
    )
    after = share(program(*twice, outputs=("s",)))
    assert [s.target for s in after.statements] == ["u", "s"]
    assert after.statements[1].body == Access("u", i) + sp.sin(Access("u", i))
    kept = share(program(*twice, outputs=("s", "v")))
    assert kept.statements[1].body == Access("u", j)


def test_transposes_conditions_and_reductions_are_told_apart():
    different = (
        Statement("a", (i,), Access("A", i, j), "sum", (j,)),
        Statement("b", (i,), Access("A", j, i), "sum", (j,)),
        Statement("c", (i,), Access("A", i, j), "max", (j,)),
        Statement("d", (i,), Access("A", i, j), "sum", (j,), (sp.Le(j, i),)),
    )
    p = program(*different, outputs=("a", "b", "c", "d"))
    assert share(p) == p


def test_an_entry_of_a_loop_and_a_single_entry_are_told_apart():
    different = (
        Statement("a", (i,), 2 * Access("x", i)),
        Statement("b", (i,), 2 * Access("x", 0)),
        Statement("c", (i,), 2 * Access("x", 1)),
        Statement("d", (i,), Access("A", i, 0) * Access("x", i)),
        Statement("e", (i,), Access("A", 0, i) * Access("x", i)),
        Statement("f", (i,), Access("A", 0, i) + Access("x", i)),
    )
    p = program(*different, outputs=tuple("abcdef"))
    assert share(p) == p


def test_indices_are_renamed_only_where_their_names_order_operands(monkeypatch):
    renamed = []
    original = module.substitute_all
    monkeypatch.setattr(module, "substitute_all", lambda *given: renamed.append(given) or original(*given))
    plain = Statement("u", (i,), Access("A", i, j) * Access("x", j), "sum", (j,))
    again = Statement("v", (j,), Access("A", j, i) * Access("x", i), "sum", (i,))
    assert module._canonical(plain) == module._canonical(again)
    assert not renamed
    ordered = Statement("u", (i,), Access("A", i, j) * Access("A", j, i), "sum", (j,))
    assert module._canonical(ordered) == module._canonical(
        Statement("v", (j,), Access("A", i, j) * Access("A", j, i), "sum", (i,))
    )
    assert len(renamed) == 2
    long = Statement("u", (i,), sum(Access(f"x{k}", i) for k in range(300)))
    module._canonical(long)
    assert len(renamed) == 3


def test_sums_of_what_is_computed_read_it():
    n, k, c = Index("n", 5), Index("k", 4), Index("c", 3)
    given = [Tensor(name, (5, 3, 4), "input") for name in "dx"] + [Tensor("A", (5, 4), "input")]

    def program(*statements):
        tensors = [*given, *(Tensor(s.target, tuple(i.extent for i in s.indices)) for s in statements)]
        return check(Program({t.name: t for t in tensors}, statements, ("g", "t")))

    gate = sp.Piecewise((Access("d", n, c, k), Access("x", n, c, k) > 0), (0, True))
    entry = Statement("g", (n, c, k), gate)
    over = Statement("t", (c,), gate, "sum", (k, n))
    other = over.bound[::-1]
    found = share(program(entry, over))
    assert found.statements == (entry, over.with_body(Access("g", n, c, k)))
    renamed = {n: Index("r", 5), k: Index("j", 4)}
    again = Statement("t", (c,), gate.xreplace(renamed), "max", tuple(renamed[i] for i in other))
    assert share(program(entry, again)).statements[1].body.name == "g"
    for plain in (
        # Products may be those of matrices; and what is computed later, or has conditions, is something else.
        (
            Statement("g", (n, k), Access("A", n, k) * Access("d", n, 0, k)),
            Statement("t", (n,), Access("A", n, k) * Access("d", n, 0, k), "sum", (k,)),
        ),
        (over, entry),
        (entry, Statement("t", (c,), gate, "sum", (k, n), (sp.Lt(k, n),))),
        (entry, Statement("t", (c,), gate.subs(k, 1), "sum", (n,))),
    ):
        same = program(*plain)
        assert share(same) == same
