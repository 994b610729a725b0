"""Floats are given again only where nobody has them."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from llvmlite import ir

from symbp.runtime.entry.floats import Floats
from symbp.runtime.entry.writer import Array, Entry
from tests.runtime.entry.test_writer import double_into


def twice(count=3):
    """A function of one array, which gives twice each of its entries as a tuple of floats."""
    entry = Entry("double", double_into())
    (given,) = entry.arguments(1)
    x = entry.array(given, np.dtype(float), (count,))
    _, entries = entry.new_array(np.dtype(float), x.shape)
    entry.run([x, entries], 1)
    floats = Floats(entry, count)
    places = [entry.build.gep(entries.address, [ir.IntType(64)(8 * k)]) for k in range(count)]
    made = [floats(Array(place, (1,)), np.dtype(float)) for place in places]
    entry.give(entry.new_tuple(made))
    return entry.finished()


def test_what_somebody_has_stays_as_it_is():
    call, kept, x = twice(), [], np.arange(3.0)
    for k in range(20):
        kept.append(call(x + k))
    for k, found in enumerate(kept):
        assert found == tuple(2 * (x + k))
    assert len({id(f) for found in kept for f in found}) == 60


def test_one_kept_float_is_enough():
    call, x = twice(), np.arange(3.0)
    middle = call(x)[1]
    for k in range(1, 9):
        assert call(x + k) == tuple(2 * (x + k))
        assert middle == 2.0


def test_what_nobody_has_is_given_again():
    call, x = twice(), np.arange(3.0)
    given, others, references = [], [], set()
    for k in range(12):
        found = call(x + k)  # while the last ones are there
        given.append(tuple(map(id, found)))
        references.add(sys.getrefcount(found[1]))
        others += [k / (n + 1) for n in range(200)]  # these take what Python has dropped
        assert found == tuple(2 * (x + k))
    assert len(set(given[4:])) == 2
    assert len(references) == 1


def test_references_are_counted():
    call, x = twice(), np.arange(3.0)
    found = call(x)
    a, b, c = found
    del found
    before = sys.getrefcount(a)
    for _ in range(7):
        call(x)
    assert sys.getrefcount(a) == before - 1  # another float has its place
    assert (a, b, c) == (0.0, 2.0, 4.0)


def test_calls_that_are_left_to_python_keep_none():
    call, x = twice(), np.arange(3.0)
    found = call(x)
    for _ in range(5):
        assert call(x[:2]) is None
        assert call(-1 - x) is None
    assert found == (0.0, 2.0, 4.0)
    assert call(x + 1) == (2.0, 4.0, 6.0)


@pytest.mark.parametrize("count", [1, 17])
def test_functions_that_go_leave_what_they_gave(count):
    call = twice(count=count)
    found = call(np.arange(float(count)))
    del call
    assert found == tuple(2.0 * k for k in range(count))
