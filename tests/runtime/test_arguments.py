"""Arguments of functions."""

from __future__ import annotations

import numpy as np
import pytest

from symbp.errors import DataError
from symbp.runtime.arguments import admit_arguments, count_arguments, samples
from symbp.runtime.validate import Slot

NUMBER, VECTOR = Slot("x", ()), Slot("v", (3,))


def test_they_are_counted():
    count_arguments(["x", "v"], (1, 2))
    with pytest.raises(DataError, match="2 arguments are needed, got 1"):
        count_arguments(["x", "v"], (1,))
    with pytest.raises(DataError, match="got 1"):
        count_arguments([], (1,))


def test_shapes_broadcast_in_front_of_the_entries():
    lead, arrays = admit_arguments([NUMBER, VECTOR], [np.ones((4, 1)), np.ones((5, 3))], "float64")
    assert lead == (4, 5)
    made = samples([NUMBER, VECTOR], arrays, lead)
    assert [a.shape for a in made] == [(20,), (20, 3)]
    assert all(a.flags.carray for a in made)
    with pytest.raises(DataError, match=r"\(\.\.\., 3\)"):
        admit_arguments([VECTOR], [np.ones(2)], "float64")
    with pytest.raises(DataError, match="broadcast"):
        admit_arguments([NUMBER, NUMBER], [np.ones(2), np.ones(3)], "float64")


def test_one_sample_may_stand_for_all():
    lead, arrays = admit_arguments([NUMBER, VECTOR], [np.arange(4), [1, 2, 3]], "float64")
    assert [a.shape for a in samples([NUMBER, VECTOR], arrays, lead, ones=True)] == [(4,), (1, 3)]
    assert [a.shape for a in samples([NUMBER, VECTOR], arrays, lead)] == [(4,), (4, 3)]


def test_without_samples_there_is_nothing():
    lead, arrays = admit_arguments([NUMBER, VECTOR], [np.ones(0), [1, 2, 3]], "float64")
    assert [a.shape for a in samples([NUMBER, VECTOR], arrays, lead, ones=True)] == [(0,), (0, 3)]
