"""Which statements share a nest, and in which stage they run."""

from __future__ import annotations

import pytest
import sympy as sp

from symbp.errors import UnsupportedError
from symbp.ir import BATCH, Index, Program, Statement, Tensor
from symbp.schedule.fuse import fuse
from symbp.schedule.looptree import ACCUMULATE, DOT, MULTIPLY

N = Index("n", BATCH)
I, J, K = Index("i", 4), Index("j", 4), Index("k", 3)  # noqa: E741
X, W = Tensor("x", (BATCH, 4), "input"), Tensor("w", (4, 4), "parameter")


def stages(statements, outputs):
    tensors = [X, W, *(Tensor(s.target, tuple(i.extent for i in s.indices)) for s in statements)]
    return fuse(Program({t.name: t for t in tensors}, tuple(statements), outputs))


def names(stage):
    return [[s.target for s in nest.statements] for nest in stage.nests]


def A(name, *indices):
    return Tensor(name, tuple(i.extent for i in indices))[indices]


def test_what_follows_a_contraction_is_fused_behind_it():
    (stage,) = stages(
        [
            Statement("z", (N, I), W[I, J] * X[N, J], "sum", (J,)),
            Statement("a", (N, J), sp.tanh(A("z", N, J))),
            Statement("b", (N, I), A("a", N, I) ** 2),
        ],
        ("b",),
    )
    assert stage.tiled
    assert names(stage) == [["z", "a", "b"]]


def test_other_than_pointwise_use_begins_a_nest():
    (stage,) = stages(
        [
            Statement("a", (N, I), sp.exp(X[N, I])),
            Statement("s", (N, I), W[I, J] * A("a", N, J), "sum", (J,)),
            Statement("t", (N,), A("a", N, I), "sum", (I,)),
        ],
        ("s", "t"),
    )
    assert names(stage) == [["a"], ["s"], ["t"]]


def test_functions_of_numbers_per_sample_stand_apart_from_sums():
    """One loop without another inside: vectors along the samples."""
    (stage,) = stages(
        [
            Statement("s", (N,), X[N, J], "sum", (J,)),
            Statement("u", (N,), sp.log(A("s", N))),
            Statement("v", (N,), 1 / A("s", N)),
            Statement("d", (N,), A("u", N) - 1),
            Statement("t", (N,), A("u", N) * X[N, J], "sum", (J,)),
            Statement("w", (N,), A("t", N) + 1),
        ],
        ("v", "d", "w"),
    )
    assert names(stage) == [["s"], ["u", "v", "d"], ["t", "w"]]


def test_the_form_follows_memory():
    (stage,) = stages(
        [
            Statement("z", (N, I), W[I, J] * X[N, J], "sum", (J,)),
            Statement("d", (N, J), W[I, J] * A("z", N, I), "sum", (I,)),
            Statement("g", (I, J), A("d", N, I) * X[N, J], "sum", (N,)),
            Statement("l", (), A("d", N, I) ** 2, "sum", (N, I)),
        ],
        ("g", "l"),
    )
    assert [nest.form for nest in stage.nests] == [DOT, ACCUMULATE, MULTIPLY, DOT]


def test_stages_alternate():
    result = stages(
        [
            Statement("c", (I,), W[I, J], "sum", (J,)),
            Statement("z", (N, I), X[N, I] * A("c", I)),
            Statement("m", (I,), A("z", N, I) / BATCH, "sum", (N,)),
            Statement("r", (I,), A("m", I) ** 2),
            Statement("y", (N, I), A("z", N, I) - A("r", I)),
        ],
        ("y",),
    )
    assert [stage.tiled for stage in result] == [False, True, False, True]
    assert [names(stage) for stage in result] == [[["c"]], [["z"], ["m"]], [["r"]], [["y"]]]


def test_dead_statements_are_dropped():
    (stage,) = stages([Statement("a", (N, I), X[N, I]), Statement("b", (N, I), 2 * X[N, I])], ("b",))
    assert names(stage) == [["b"]]


def test_relations_between_samples_are_refused():
    other = Index("m", BATCH)
    with pytest.raises(UnsupportedError, match="samples"):
        stages([Statement("g", (N, other), X[N, 0] * X[other, 0])], ("g",))
    with pytest.raises(UnsupportedError, match="single samples"):
        stages([Statement("g", (I,), X[0, I])], ("g",))
