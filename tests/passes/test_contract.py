from itertools import pairwise

import pytest
import sympy as sp

from symbp.ir import Access, Index, Program, Statement, Tensor, check
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
