"""Machine code becomes a function of Python and lives as long as that."""

from __future__ import annotations

import gc
import weakref

import numpy as np

from tests.runtime.entry.test_writer import doubled, in_a_tuple


class Thing:
    """What code may refer to."""


def test_code_lives_as_long_as_the_function():
    calls = [doubled(in_a_tuple) for _ in range(3)]
    first = calls.pop(0)
    del calls
    gc.collect()
    assert first(np.ones(2))[0] == 2.0


def test_what_it_refers_to_lives_as_long_too():
    call = doubled(in_a_tuple)
    definition, library, alive = call.__self__
    assert definition.name == b"double"
    assert library is not None
    thing = Thing()
    alive.append(thing)
    watch = weakref.ref(thing)
    del thing, definition, library, alive
    gc.collect()
    assert watch() is not None
    del call
    gc.collect()
    assert watch() is None
