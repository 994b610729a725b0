"""Checks of what arrays hold; labels and totals are those of tests/runtime/test_direct.py."""

from __future__ import annotations

import numpy as np
import pytest

from symbp.runtime.entry.checks import need_finite, need_labels, need_totals
from symbp.runtime.entry.writer import Entry
from tests.machine.texts import machine
from tests.runtime.entry.test_writer import TEXT


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 7, 64, 1000])
def test_results_that_must_be_finite(dtype, size):
    text = TEXT.replace("2*x[k]", "x[k]*x[k]")
    kernel = machine(text, kinds=((np.dtype(dtype).name, 1),) * 2)
    entry, real = Entry("square", kernel), np.dtype(dtype)
    (given,) = entry.arguments(1)
    x = entry.array(given, real, (None,))
    made, entries = entry.new_array(real, x.shape)
    entry.run([x, entries], 1)
    need_finite(entry, [entries], real)
    entry.give(made)
    call = entry.finished()
    x = np.ones(size, dtype)
    for at in {0, size // 2, size - 1}:
        for value in (np.sqrt(np.finfo(dtype).max) * dtype(2), np.sqrt(np.finfo(dtype).tiny) / dtype(1e4)):
            x[at] = value
            found = call(x)
            assert (found is None) == (value > 1)
            x[at] = 1
            np.testing.assert_array_equal(call(x), x)


def checked(shape, dtype, check):
    """(array) -> True where it passes, else None."""
    entry = Entry("checked", machine(TEXT))
    (given,) = entry.arguments(1)
    check(entry, entry.array(given, np.dtype(dtype), shape))
    entry.give_known(True)
    return entry.finished()


def test_labels():
    call = checked((4,), np.int64, lambda entry, array: need_labels(entry, array, 3))
    endless = checked((4,), np.int64, lambda entry, array: need_labels(entry, array, None))
    for values, inside, known in (
        ([0, 1, 2, 0], True, True),
        ([0, 3, 1, 1], None, True),
        ([0, 1, 1, -1], None, None),
    ):
        assert call(np.array(values)) is inside
        assert endless(np.array(values)) is known


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_totals(dtype):
    real = np.dtype(dtype)
    call = checked((3, 2), dtype, lambda entry, array: need_totals(entry, array, real, 1.0, 1e-6))
    x = np.array([[0.25, 0.75], [1, 0], [0.5, 0.5]], dtype)
    assert call(x) is True
    for wrong in (0.51, np.nan, np.inf):
        x[2, 1] = wrong
        assert call(x) is None
