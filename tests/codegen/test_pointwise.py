"""Which kernels are straight lines."""

from __future__ import annotations

import sympy as sp

from symbp.codegen.block import LONG
from symbp.codegen.pointwise import is_pointwise, piece, straight
from symbp.ir import BATCH, Access, Index, Statement, Tensor
from symbp.schedule.kernel import Kernel
from tests.codegen.kernels import program_of

N, I = Index("n", BATCH), Index("i", 3)  # noqa: E741
x, v = Tensor("x", (BATCH,), "input"), Tensor("v", (BATCH, 3), "input")


def program(body, target=None, tensors=(x, v), **options):
    out = target or Tensor("out", (BATCH,))
    indices = (N, I) if len(out.shape) == 2 else (N,)
    return program_of([*tensors, out], [Statement("out", indices, body, **options)], ("out",))


def kernel(of, **options):
    return Kernel("run", of, ("x", "v"), (), ("out",), (), **options)


def test_single_numbers_are_pointwise_and_loops_are_not():
    assert is_pointwise(program(Access("x", N) * Access("v", N, 2)))
    assert not is_pointwise(program(Access("v", N, I), reduce="sum", bound=(I,)))
    assert not is_pointwise(program(Access("v", N, I), Tensor("out", (BATCH, 3))))
    label = Tensor("k", (BATCH,), "label", bound=3)
    assert not is_pointwise(program(Access("v", N, Access("k", N)), tensors=(x, v, label)))


def test_entry_by_entry_is_pointwise():
    body = sp.Piecewise((Access("x", N), sp.Eq(I, 1)), (0, True))
    found = straight(kernel(program(body, Tensor("out", (BATCH, 3)))))
    assert found.results == (3,)
    assert found.constants == ((0, "0.0"), (2, "0.0"))
    assert found.text.count("store") == 1


def test_short_lines_of_one_number_are_left_to_loops():
    assert straight(kernel(program(Access("x", N) + 1))) is None
    long = Access("x", N)
    for _ in range(LONG + 1):
        long = sp.sin(long)
    found = straight(kernel(program(long)))
    assert found.size > LONG
    assert found.work > 40 * LONG
    assert found.inputs == (1, 3)


def test_pieces_cost_about_the_same_and_are_whole_groups_of_lanes():
    assert [piece(work) for work in (0, 1, 500, 1000, 100_000)] == [1024, 1024, 512, 256, 128]
    assert all(piece(work) % 64 == 0 for work in range(1, 20_000, 37))
