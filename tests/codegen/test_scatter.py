"""Sums that are taken term by term: the text, and the numbers."""

from __future__ import annotations

import re

import numpy as np
import pytest
import sympy as sp

from symbp.ir import BATCH, Index, Statement, Tensor
from symbp.ir.nodes import Access
from tests.codegen.kernels import program_of

N = Index("n", BATCH)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_windows_are_added_row_by_row(agree, dtype):
    """What moves a row is outside of the loop along it: no entry is read just after it was written."""
    g, d = Tensor("g", (BATCH, 3, 3, 10, 12), "input"), Tensor("d", (BATCH, 12, 14))
    p, q, i, j, k, m = (Index(name, n) for name, n in zip("pqijkm", (3, 3, 10, 12, 12, 14), strict=True))
    s = Statement("d", (N, k, m), g[N, p, q, i, j], "sum", (i, j, p, q), (sp.Eq(k, i + p), sp.Eq(m, j + q)))
    text = agree(program_of([g, d], [s], ("d",)), ("d",), dtype=dtype)
    loops = r"\s+".join(
        [
            r"for p in range\(3\):",
            r"for q in range\(3\):",
            r"for i in range\(10\):",
            r"for j in range\(opaque\(12\)\):",
        ]
    )
    assert re.search(rf"{loops}\s+d\w*\[\w+, i \+ p, j \+ q\] \+= g\w*\[\w+, p, q, i, j\]", text)


def test_every_second_entry(agree):
    """The parts of a sum have loops in common, and what is added to them comes first."""
    g, x, d = (
        Tensor(name, (BATCH, n), role)
        for name, n, role in (("g", 5, "input"), ("x", 11, "input"), ("d", 11, "defined"))
    )
    i, k = Index("i", 5), Index("k", 11)
    parts = [
        Statement(f"p{o}", (N, k), g[N, i] * (o + 1), "sum", (i,), (sp.Eq(k, 2 * i + o),)) for o in range(2)
    ]
    total = Statement("d", (N, k), Access("p0", N, k) + Access("p1", N, k) + x[N, k])
    tensors = [g, x, *(Tensor(s.target, (BATCH, 11)) for s in parts), d]
    text = agree(program_of(tensors, [*parts, total], ("d",)), ("d",))
    body = text[text.index("def run_into") :]
    assert len(re.findall(r"for \w+ in range\((?:opaque\()?5", body)) == 1
    assert body.count("+=") == 2
    assert not re.search(r"\bp0\w* = view", body)


def test_margins_become_limits(agree):
    """Only what conditions let through is visited; the rest is 0."""
    x, d = Tensor("x", (BATCH, 6, 7), "input"), Tensor("d", (BATCH, 8, 9))
    w, back = Tensor("w", (BATCH, 3, 6), "defined"), Tensor("b", (BATCH, 6))
    u, v, p, i, k = (Index(name, n) for name, n in zip("uvpik", (8, 9, 3, 6, 6), strict=True))
    inside = (sp.Ge(u, 1), sp.Le(u, 6), sp.Ge(v, 1), sp.Le(v, 7))
    moved = (sp.Ge(i + p, 1), sp.Le(i + p, 6))
    statements = [
        Statement("d", (N, u, v), x[N, u - 1, v - 1], where=inside),
        Statement("w", (N, p, i), x[N, i + p - 1, 0], where=moved),
        Statement("b", (N, k), Access("w", N, p, i), "sum", (p, i), (sp.Eq(k, i + p - 1), *moved)),
    ]
    text = agree(program_of([x, d, w, back], statements, ("d", "w", "b")), ("d", "w", "b"))
    body = text[text.index("for start in") :]
    assert " if " not in body
    assert body.count("range(max(0, ") >= 4


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rows_that_labels_choose(agree, dtype):
    """Over the samples, in the sum itself."""
    label = Tensor("l", (BATCH,), "label", bound=7)
    g, d = Tensor("g", (BATCH, 4), "input"), Tensor("d", (7, 4))
    k, e = Index("k", 7), Index("e", 4)
    s = Statement("d", (k, e), sp.tanh(g[N, e]), "sum", (N,), (sp.Eq(k, label[N]),))
    text = agree(program_of([label, g, d], [s], ("d",)), ("d",), dtype=dtype)
    assert "for k in range(7)" not in text[text.index("def run_into") :].split("for n in")[-1]


def test_conditions_that_are_no_limits_are_asked(agree):
    g, d = Tensor("g", (BATCH, 6), "input"), Tensor("d", (BATCH, 6))
    i, k = Index("i", 6), Index("k", 6)
    statements = [Statement("d", (N, k), g[N, i], "sum", (i,), (sp.Eq(k, i), sp.Ne(i, 2)))]
    text = agree(program_of([g, d], statements, ("d",)), ("d",))
    assert "if " in text[text.index("def run_into") :]


def test_a_number_under_a_condition(agree):
    label, d = Tensor("l", (), "label", bound=4), Tensor("d", ())
    x = Tensor("x", (3,), "input")
    s = Statement("d", (), x[1] * 2, where=(sp.Eq(label[()], 3),))
    for found in (2, 3):
        agree(program_of([label, x, d], [s], ("d",)), ("d",), values={"l": np.int64(found)})
