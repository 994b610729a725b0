"""Wide circuits as bands."""

import pytest

from symbp.view.circuit.bands import LINK, bands
from symbp.view.circuit.layers import columns
from tests.view.circuit.pictures import PICTURES


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("limit", [250, 600, 10_000])
def test_every_gate_is_in_one_band_and_reads_what_is_there(name, limit):
    gates = PICTURES[name]().gates
    parts = bands(gates, [100.0] * len(gates), limit)
    operations = [g.name for part in parts for g in part if not g.is_symbol and g.operation != LINK]
    assert operations.sort() is None
    assert operations == sorted(g.name for g in gates if not g.is_symbol)
    done = set()
    for part in parts:
        seen = set()
        for g in part:
            assert set(g.inputs) <= seen
            assert g.operation != LINK or g.name in done
            seen.add(g.name)
        done |= seen
        assert 100 * (max(columns(part)) + 1) <= limit + 100  # and a column of links


def test_what_fits_is_one_band():
    gates = PICTURES["forty"]().gates
    assert bands(gates, [10.0] * len(gates), 1_000) == [gates]


def test_bands_are_about_equally_wide_and_few_wires_go_on():
    gates = PICTURES["deep_network"]().gates
    parts = bands(gates, [100.0] * len(gates), 600)
    assert [sum(g.operation == LINK for g in part) for part in parts] == [0, 1, 1]
    assert {len(set(columns(part))) for part in parts} <= {4, 5, 6}


def test_a_column_that_is_too_wide_stands_alone():
    gates = PICTURES["chain"]().gates
    parts = bands(gates, [1_000.0] * len(gates), 300)
    assert [len(part) for part in parts] == [2] * (len(gates) - 1)
