"""The tables are what Remez's algorithm gives."""

import numpy as np
import pytest

from benchmarks.coefficients import FITS, rounded
from symbp.codegen.vector import error_function, exponential, logarithm, trigonometric

TABLES = {
    name: table
    for module in (exponential, logarithm, trigonometric, error_function)
    for name, table in vars(module).items()
    if name in FITS
}


def test_every_table_has_its_fit():
    assert set(TABLES) == set(FITS)


@pytest.mark.parametrize(("name", "double"), [("EXP", True), *((name, False) for name in FITS)])
def test_coefficients(name, double):
    """To a few units: the exchange ends within 2 % of the least error."""
    coefficients, error = rounded(FITS[name], not double)
    assert len(coefficients) == len(TABLES[name][double])
    assert error < 2e-7
    high = float(FITS[name].single_high or FITS[name].high)
    x = np.linspace(float(FITS[name].low), high, 101)
    difference = np.polyval(coefficients, x) - np.polyval(TABLES[name][double], x)
    assert np.abs(difference).max() <= 3 * error + 1e-17
