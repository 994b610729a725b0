"""The tables [options] and [check]."""

import pytest

from symbp.spec import CheckOptions, Options, loads
from tests.spec.reading import file_refusal

EQUATIONS = "[equations]\nE = '1'\n"


def test_defaults():
    spec = loads(EQUATIONS)
    assert spec.options == Options("float64", "mean")
    assert spec.check == CheckOptions(samples=8, seed=0, tolerance=None, directions=None)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_options(dtype, reduction):
    spec = loads(f"{EQUATIONS}[options]\ndtype = '{dtype}'\nreduction = '{reduction}'\n")
    assert spec.options == Options(dtype, reduction)
    assert spec.network().reduction == reduction


def test_check():
    spec = loads(f"{EQUATIONS}[check]\nsamples = 1\nseed = 4294967295\ntolerance = 1\ndirections = 1000000\n")
    assert spec.check == CheckOptions(1, 2**32 - 1, 1.0, 10**6)


@pytest.mark.parametrize(
    ("table", "problem", "hint"),
    [
        ("[options]\ndtyp = 'float32'", "unknown key 'dtyp'", "known are dtype, reduction"),
        ("[options]\ndtype = 'float16'", "'float64', 'float32'", None),
        ("[options]\nreduction = 3", "'mean', 'sum'", None),
        ("[options]\nthreads = 3", "unknown key 'threads'", "known are dtype, reduction"),
        ("[check]\nsample = 3", "unknown key", "known are samples, seed, tolerance, directions"),
        ("[check]\nsamples = 0", "from 1 to 1,000,000", None),
        ("[check]\nsamples = 1000001", "from 1 to 1,000,000", None),
        ("[check]\nseed = -1", "whole number from 0", None),
        ("[check]\nseed = 4294967296", "whole number from 0", None),
        ("[check]\ntolerance = 0", "number above 0 and up to 1", None),
        ("[check]\ntolerance = 1.5", "number above 0 and up to 1", None),
        ("[check]\ndirections = 0", "from 1 to 1,000,000", None),
        ("[check]\ndirections = 1000001", "from 1 to 1,000,000", None),
    ],
)
def test_errors(table, problem, hint):
    error = file_refusal(f"{EQUATIONS}{table}\n")
    assert problem in error.problem
    assert (error.line, error.column) == (4, 1)
    assert hint is None or hint in error.hint
