import numpy as np
import pytest
import sympy as sp

from symbp.ir import Access
from symbp.ir.walk import accesses, operations
from symbp.passes.simplify import cheapest as module
from symbp.passes.simplify.cheapest import Problem, cheapest
from symbp.passes.simplify.reads import fewest_reads

v = [Access(f"v{k}") for k in range(12)]
a, b = Access("a"), Access("b")


def test_every_entry_that_matters_is_read():
    assert fewest_reads(sp.Add(*(x**2 for x in v[:6])), {}) == 6


def test_a_held_value_may_stand_for_all_that_is_in_it():
    body = sp.exp(v[0] + v[1] + v[2]) / (v[3] + sp.exp(v[0] + v[1] + v[2]) + v[4] * v[5])
    assert fewest_reads(body, {}) == 6
    assert fewest_reads(body, {a: sp.exp(v[0] + v[1] + v[2])}) == 4
    assert fewest_reads(body, {a: sp.exp(v[0] + v[1] + v[2]), b: v[3] + v[4] * v[5]}) == 2
    assert fewest_reads(body, {a: body}) == 1


def test_entries_that_cancel_do_not_count():
    with sp.evaluate(False):
        nothing = (v[4] + v[5]) ** 2 - v[4] ** 2 - 2 * v[4] * v[5] - v[5] ** 2
        body = v[0] * v[1] + v[2] * v[3] + nothing
    assert fewest_reads(body, {}) == 4


@pytest.mark.parametrize(
    "function", [sp.Max(*v[:6]), sp.Piecewise((v[0], v[1] > v[2]), (v[3] * v[4] * v[5], True))]
)
def test_nothing_is_said_where_one_operation_reads_many(function):
    assert fewest_reads(function + 1, {}) == 0


def test_forms_read_one_entry_more_than_they_have_operations():
    """What the bound rests on, at random expressions."""
    random = np.random.default_rng(0)
    for _ in range(300):
        pool = list(v)
        for _ in range(random.integers(1, 12)):
            x, y = (pool[k] for k in random.integers(len(pool), size=2))
            pool.append([x + y, x - y, x * y, x / y, sp.exp(x), -x, x**2, x**y][random.integers(8)])
        assert len(accesses(pool[-1])) <= operations(pool[-1]) + 1


def test_what_needs_too_many_is_not_searched(monkeypatch):
    body = sp.exp(v[0]) / sp.Add(*map(sp.exp, v[:6]))
    problem = Problem(body, ((a, sp.exp(v[0])),), True, 100, 3)
    monkeypatch.setattr(module, "candidates", lambda *_: pytest.fail("searched"))
    assert cheapest(problem) is None
