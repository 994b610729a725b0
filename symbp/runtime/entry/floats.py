"""Floats that are given again where nobody has them any more.

To make a float and drop it takes longer than most operations of a kernel, and a gradient is many of them.
CPython does the same with the tuples of `zip`. Arrays are not given again: who resizes one is told that
others refer to it.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir

from symbp.runtime.entry.objects import NUMBER, POINTER, REFERENCES
from symbp.runtime.entry.writer import Array, Entry

_BYTE, _WORD = ir.IntType(8).as_pointer(), ir.IntType(8 * POINTER)
_DOUBLE = ir.DoubleType()


class Floats:
    """Those of the last call and of the one before it, by turns: most callers keep what one call gave until
    the next is done.

    Args:
        entry: what gives them, at the place where this is made.
        count: how many a call gives.
    """

    def __init__(self, entry: Entry, count: int):
        self._entry, self._used = entry, 0
        # An array of objects: it drops them when it goes.
        kept, turn = np.array([float(k) for k in range(2 * count)], object), np.zeros(1, np.intp)
        build = entry.build
        at = entry.fixed(turn, (1,)).address
        at = build.bitcast(at, _WORD.as_pointer())
        now = build.xor(build.load(at), _WORD(1))
        build.store(now, at)
        start = build.bitcast(entry.fixed(kept, (2 * count,)).address, _BYTE.as_pointer())
        self._places = build.gep(start, [build.mul(now, _WORD(count))])

    def __call__(self, number: Array, dtype: np.dtype) -> ir.Value:
        """The first entry as a float."""
        entry, build = self._entry, self._entry.build
        place = build.gep(self._places, [_WORD(self._used)])
        self._used += 1
        old = build.load(place)
        references = build.bitcast(build.gep(old, [_WORD(REFERENCES)]), _WORD.as_pointer())
        ours, theirs, done = (entry.function.append_basic_block(n) for n in ("ours", "theirs", "done"))
        build.cbranch(build.icmp_signed("==", build.load(references), _WORD(1)), ours, theirs)
        build.position_at_end(ours)
        value = build.bitcast(build.gep(old, [_WORD(NUMBER)]), _DOUBLE.as_pointer())
        build.store(entry.double(number, dtype), value)
        build.store(_WORD(2), references)
        build.branch(done)
        build.position_at_end(theirs)
        new = entry.new_float(number, dtype)
        entry.keep(new, place)
        after = build.block
        build.branch(done)
        build.position_at_end(done)
        return entry.one_of([(old, ours), (new, after)])
