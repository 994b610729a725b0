from itertools import pairwise

import numpy as np
import pytest
import sympy as sp

from symbp.ir import Access, Index, Program, Statement, Tensor, check, evaluate
from symbp.passes.contract import contract
from tests.catalogue import NAMES
from tests.passes.stages import assert_pass_keeps_meaning, stages, work_of


@pytest.mark.parametrize("name", NAMES)
def test_meaning_is_kept(name):
    assert_pass_keeps_meaning(name, "contract")


@pytest.mark.parametrize("name", NAMES)
def test_work_never_grows(name):
    for before, after in stages(name)["contract"]:
        assert work_of(after) <= work_of(before)


def chain(*extents):
    """z[i] = sum A1[i, j] A2[j, k] ... x[k] in one statement."""
    ix = [Index(f"i{k}", n) for k, n in enumerate(extents)]
    pairs = list(pairwise(ix))
    tensors = [Tensor(f"A{k}", (a.extent, b.extent), "parameter") for k, (a, b) in enumerate(pairs)]
    tensors += [Tensor("x", (extents[-1],), "input"), Tensor("z", (extents[0],))]
    body = sp.Mul(*(Access(f"A{k}", *p) for k, p in enumerate(pairs)), Access("x", ix[-1]))
    return check(
        Program(
            {t.name: t for t in tensors},
            (Statement("z", ix[:1] and (ix[0],), body, "sum", tuple(ix[1:])),),
            ("z",),
        )
    )


def test_a_product_of_matrices_and_a_vector_runs_from_the_right():
    before = chain(20, 30, 40, 50)
    after = check(contract(before))
    assert work_of(after) == 2 * (40 * 50 + 30 * 40 + 20 * 30) - (40 + 30 + 20)
    assert after.statements[-1].target == "z"


def test_pairs_are_left_alone():
    before = chain(20, 30)
    assert contract(before) == before


def test_factors_over_the_same_indices_stay_together():
    i, j = Index("i", 3), Index("j", 4)
    tensors = [Tensor(n, (3, 4), "input") for n in "ABC"] + [Tensor("s", ())]
    body = sp.Mul(*(Access(n, i, j) for n in "ABC"))
    before = Program({t.name: t for t in tensors}, (Statement("s", (), body, "sum", (i, j)),), ("s",))
    assert contract(before) == before


@pytest.mark.parametrize("length", [9, 20, 60])
def test_long_chains_run_from_the_vector(length):
    before = chain(*[5] * (length + 1))
    after = check(contract(before))
    assert len(after.statements) == length
    assert work_of(after) == length * 45
    short = chain(*[2] * 10)
    values = {
        t.name: np.random.default_rng(0).normal(size=t.shape) for t in short.by_role("parameter", "input")
    }
    after = check(contract(short))
    np.testing.assert_allclose(evaluate(after, values)["z"], evaluate(short, values)["z"])


def test_long_chains_in_any_order_and_with_branches():
    """A matrix product of twelve with a vector in the middle, its factors shuffled, and a tree of factors."""
    ix = [Index(f"i{k}", 3) for k in range(14)]
    bodies = [Access(f"A{k}", *p) for k, p in enumerate(pairwise(ix[:7]))] + [Access("x", ix[6])]
    bodies += [Access("y", ix[7])] + [Access(f"B{k}", *p) for k, p in enumerate(pairwise(ix[7:]))]
    np.random.default_rng(1).shuffle(bodies)
    tensors = [Tensor(b.name, tuple(i.extent for i in b.indices), "parameter") for b in bodies]
    tensors += [Tensor("z", (3, 3))]
    statement = Statement("z", (ix[0], ix[-1]), sp.Mul(*bodies), "sum", tuple(ix[1:-1]))
    after = check(contract(Program({t.name: t for t in tensors}, (statement,), ("z",))))
    assert work_of(after) == 12 * 15 + 9
    tree = [Access(f"T{k}", ix[(k - 1) // 2], ix[k]) for k in range(1, 14)]
    tensors = [Tensor(b.name, (3, 3), "parameter") for b in tree] + [Tensor("s", ())]
    statement = Statement("s", (), sp.Mul(*tree), "sum", tuple(ix))
    after = check(contract(Program({t.name: t for t in tensors}, (statement,), ("s",))))
    assert work_of(after) < 3 * 13 * 30


def test_an_index_of_one_factor_alone_is_summed_first():
    i, j = Index("i", 20), Index("j", 30)
    tensors = [Tensor("a", (20,), "input"), Tensor("B", (20, 30), "input"), Tensor("s", ())]
    statement = Statement("s", (), Access("a", i) * Access("B", i, j), "sum", (i, j))
    before = Program({t.name: t for t in tensors}, (statement,), ("s",))
    after = check(contract(before))
    assert work_of(after) == 20 * 29 + 20 + 19
    values = {"a": np.arange(20.0), "B": np.ones((20, 30))}
    np.testing.assert_allclose(evaluate(after, values)["s"], evaluate(before, values)["s"])


def test_a_range_that_nothing_depends_on_is_left_alone():
    i, j, k = Index("i", 3), Index("j", 4), Index("k", 5)
    tensors = [Tensor("a", (3,), "input"), Tensor("b", (4,), "input"), Tensor("s", ())]
    statement = Statement("s", (), Access("a", i) * Access("b", j), "sum", (i, j, k))
    before = Program({t.name: t for t in tensors}, (statement,), ("s",))
    assert contract(before) == before
