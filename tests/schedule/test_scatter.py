"""Sums whose terms name the entry that each belongs to."""

from __future__ import annotations

import sympy as sp

from symbp.ir.nodes import BATCH, Access, Index, Statement, Tensor
from symbp.schedule.fuse import fuse
from symbp.schedule.looptree import SCATTER
from symbp.schedule.scatter import joined_scatters, scatter_of, with_sums_apart, without_parts
from tests.codegen.kernels import program_of

N, K, P, Q = Index("n", BATCH), Index("k", 8), Index("p", 6), Index("q", 3)
D = Tensor("d", (BATCH, 8))
G, W = Tensor("g", (BATCH, 6), "input"), Tensor("w", (3,), "parameter")
LABEL = Tensor("l", (BATCH,), "label", bound=8)
TENSORS = {t.name: t for t in (D, G, W, LABEL)}


def statement(where, body=None, reduce="sum", bound=(P, Q)):
    return Statement("d", (N, K), G[N, P] * W[Q] if body is None else body, reduce, bound, where)


def test_terms_name_their_entry():
    found = scatter_of(statement((sp.Eq(K, P + Q),)), TENSORS)
    assert (found.entry, found.free, found.where) == (D[N, P + Q], (N,), ())
    assert scatter_of(statement((sp.Eq(P + Q, K),)), TENSORS) == found
    label = scatter_of(statement((sp.Eq(K, LABEL[N]),), G[N, 0], "none", ()), TENSORS)
    assert (label.entry, label.free) == (D[N, LABEL[N]], (N,))


def test_other_conditions_remain():
    conditions = sp.Eq(K, P + Q - 1), sp.Ge(P + Q, 1), sp.Le(P + Q, 8)
    found = scatter_of(statement((sp.And(*conditions),)), TENSORS)
    assert (found.entry, {*found.where}) == (D[N, P + Q - 1], {*conditions[1:]})


def test_entries_that_terms_do_not_name():
    for s in (
        statement((sp.Eq(K, P + Q + 1),)),  # there is no eighth
        statement((sp.Eq(K, P + Q - 1),)),
        statement((sp.Eq(K, P + Q),), G[N, P] * K),
        statement((sp.Eq(K, P + Q), sp.Le(K, 3))),
        statement((sp.Lt(P, K),)),
        statement((sp.Eq(K, P + Q),), reduce="max"),
        statement(()),
        Statement("s", (), G[N, P], "sum", (N, P), (sp.Eq(P, 3),)),
    ):
        assert scatter_of(s, {**TENSORS, "s": Tensor("s", ())}) is None
    small = Tensor("l", (BATCH,), "label", bound=9)
    out = statement((sp.Eq(K, small[N]),), G[N, 0])
    assert scatter_of(out, {**TENSORS, "l": small}) is None


def test_what_is_0_elsewhere_names_itself():
    where = (sp.Ge(K, 1), sp.Le(K, 6))
    s = statement(where, G[N, K - 1], "none", ())
    found = scatter_of(s, TENSORS)
    assert (found.entry, found.free, found.where) == (D[N, K], (N, K), where)


def _several(total):
    parts = [Statement(f"p{k}", (N, K), G[N, P], "sum", (P,), (sp.Eq(K, P + k),)) for k in range(2)]
    tensors = [G, *(Tensor(s.target, (BATCH, 8)) for s in parts), D]
    return parts, program_of(tensors, [*parts, Statement("d", (N, K), total)], ("d",))


def test_several_are_added_to_one_target():
    a, b = Access("p0", N, K), Access("p1", N, K)
    parts, program = _several(a + b + 1)
    assert joined_scatters(program) == {"d": parts}
    assert without_parts(program.statements[-1], parts) == 1
    (stage,) = fuse(program)
    (nest,) = stage.nests
    assert (nest.form, [s.target for s in nest.statements]) == (SCATTER, ["p0", "p1", "d"])
    _, twice = _several(a * a + b)
    assert {t: [p.target for p in some] for t, some in joined_scatters(twice).items()} == {"d": ["p1"]}
    assert joined_scatters(_several(sp.tanh(a) * b)[1]) == {}


def test_their_sum_inside_of_a_formula_is_a_statement():
    a, b = Access("p0", N, K), Access("p1", N, K)
    _, program = _several(sp.tanh(a + b))
    found = with_sums_apart(program)
    *_, total, last = found.statements
    assert (total.body, last.body) == (a + b, sp.tanh(total.access))
    assert [*joined_scatters(found)] == [total.target]
    for plain in (a + b, sp.tanh(a), sp.tanh(a) + b):
        same = _several(plain)[1]
        assert with_sums_apart(same) is same
