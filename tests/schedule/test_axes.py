"""Where entries are in memory, and which indices are one axis."""

from __future__ import annotations

import numpy as np
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from symbp.ir.nodes import BATCH, Access, Index, Tensor
from symbp.schedule.axes import Axis, axes_of, steps_of

N, A, J, K = Index("n", BATCH), Index("i", 4), Index("j", 5), Index("k", 6)
X = Tensor("x", (BATCH, 7, 5, 6), "input")


def test_steps_are_distances_in_memory():
    assert steps_of(X[N, A, J, K], {"x": X}) == (0, {N: 210, A: 30, J: 6, K: 1})
    assert steps_of(X[N, A + 2, 0, 2 * K + J + 1], {"x": X}) == (61, {N: 210, A: 30, J: 1, K: 2})
    assert steps_of(Access("s"), {"s": Tensor("s", ())}) == (0, {})
    diagonal = Tensor("d", (6, 6), "parameter")
    assert steps_of(diagonal[K, K], {"d": diagonal}) == (0, {K: 7})


def test_positions_that_data_decides_or_that_run_backwards_have_none():
    label = Access("l", N)
    for position in (5 - K, A * J, label, sp.Mod(K, 2)):
        assert steps_of(X[N, A, J, position], {"x": X}) is None


def test_indices_that_follow_each_other_are_one_axis():
    (_, steps), (_, other) = (steps_of(X[N, A, J, K], {"x": X}), steps_of(X[N, A + 1, J, K], {"x": X}))
    assert axes_of([A, J, K], [steps]) == [Axis((A, J, K))]
    assert axes_of([K, N, J, A], [steps, other]) == [Axis((N,)), Axis((A, J, K))]
    whole = Index("i", 7)
    _, steps = steps_of(X[N, whole, J, K], {"x": X})
    (axis,) = axes_of([K, J, N, whole], [steps])
    assert (axis.samples, axis.size, axis.inner, axis.text) == (True, 210, K, "rows*210")
    # They must do so in every tensor.
    assert axes_of([J, K], [{J: 6, K: 1}, {J: 1, K: 5}]) == [Axis((J,)), Axis((K,))]
    assert (Axis((N,)).text, Axis((J, K)).text) == ("rows", "30")


@given(st.permutations([A, J, K]), st.data())
def test_entries_along_an_axis_are_evenly_spaced(order, data):
    shape = tuple(i.extent + data.draw(st.integers(0, 1)) for i in order)
    tensor = Tensor("t", shape, "parameter")
    _, steps = steps_of(tensor[tuple(order)], {"t": tensor})
    entries = np.arange(np.prod(shape)).reshape(shape)[tuple(slice(i.extent) for i in order)]
    for axis in axes_of(order, [steps]):
        along = [k for k, index in enumerate(order) if index in axis.indices]
        moved = np.moveaxis(entries, along, range(-len(along), 0))
        rows = moved.reshape(-1, axis.size)
        assert (np.diff(rows, axis=1) == steps[axis.inner]).all()
