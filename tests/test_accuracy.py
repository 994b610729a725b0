"""Quick variant of benchmarks/accuracy.py: few points, one spelling of each function compiled."""

import pytest

from benchmarks.accuracy import CASES, LIMIT, measure

POINTS = 400


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_within_four_units(case):
    for row in measure(case, "float64", POINTS, case.spellings[-1:]):
        assert row.error <= LIMIT, row


@pytest.mark.parametrize("name", ["tanh", "erfc", "sigmoid"])
def test_within_four_units_of_single_precision(name):
    case = next(c for c in CASES if c.name == name)
    for row in measure(case, "float32", POINTS, case.spellings[:1]):
        assert row.error <= LIMIT, row
