"""Every form of an expression means what it means to Numba."""

import numpy as np
import pytest

from symbp.machine.values import NotCovered
from tests.machine.texts import machine, same

X = np.array([0.5, -1.5, 3.0, 0.0, 7.25])
SINGLE, WHOLE = X.astype(np.float32), np.array([3, -4, 0, 7, 2])

FORMULAS = [
    "x[k] + 2*y[k] - x[k]/y[k]",
    "-x[k]*y[k]",
    "x[k]*l[k]",
    "l[k]*2 + 1",
    "l[k]/4",
    "l[k]//3",
    "l[k] % 3",
    "(l[k] + 3)//4*2 % 5",
    "l[k]//l[0]",
    "l[k] % l[1]",
    "l[k]//(l[k] - 3)",
    "l[k] % (l[k] - 3)",
    "(l[k] - 9223372036854775803)//(2 - l[0])",
    "-l[k]",
    "float(l[k])*x[k]",
    "f32(x[k])*f32(l[k])",
    "abs(x[k])",
    "np.inf if x[k] > 0 else -np.inf",
    "math.pi*x[k]",
    "1 if x[k] < y[k] else 2.5",
    "1.0 if x[k] != x[k] else x[k]",
    "x[k] if x[k] == 0.0 or y[k] >= 0.5 and l[k] < 3 else y[k]",
    "x[k] if not x[k] <= 0 else 0.0",
    "2.0 if -1 < x[k] <= 3 else 0.0",
    "float(min(l[k], 2)) + float(max(l[k], 0))",
    "math.sqrt(abs(x[k]))",
    "math.floor(x[k])",
    "np.floor(x[k])",
    "math.tan(x[k])",
    "math.lgamma(abs(x[k]) + 1)",
    "float(x.size) + float(x.shape[0])",
    "larger(x[k], y[k])",
    "table[k]*x[k]",
    "(x[k], l[k])[1]*1.0",
]


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("x", [X, SINGLE], ids=["float64", "float32"])
def test_formulas(formula, x):
    text = f"""
table = np.arange(5.0)

@njit(error_model="numpy")
def larger(a, b):
    return a if a > b or a != a else b

@njit(error_model="numpy")
def run(x, y, l, out):
    for k in range(x.shape[0]):
        out[k] = {formula}
"""
    y = np.array([1.0, 0.0, np.nan, -2.0, 7.25]).astype(x.dtype)
    *_, out = same(text, x, y, WHOLE, np.zeros(5))
    assert np.isfinite(out).any() or "inf" in formula


def test_what_stands_behind_and_is_read_only_where_it_is_there():
    text = """
@njit(error_model="numpy")
def run(x, out):
    for k in range(x.shape[0] + 3):
        if k < x.shape[0] and x[k] > 0:
            out[k] = x[k]
"""
    assert same(text, X, np.zeros(5))[1].tolist() == [0.5, 0.0, 3.0, 0.0, 7.25]


def test_views_rooms_and_fused_sums():
    text = """
@njit(nogil=True, error_model="numpy")
def run(x, out):
    work = room(40, x[0])
    rows = x.shape[0]//2
    left = view(work, at(0), (rows, 2))
    for n in range(rows):
        for i in range(2):
            left[n, i] = x[2*n + i]
    total = 0.0
    for k in range(opaque(4)):
        total = accumulate_product(total, work[k], work[k])
        total = accumulate(total, work[k])
    turned = view(work, at(10) + 2, (2, rows))
    for n in range(rows):
        for i in range(2):
            turned[i, n] = left[n, i]
    out[0] = total
    out[1] = turned[1, 0]
    out[2] = float(turned.shape[1])
    keep(work)
"""
    *_, out = same(text, np.arange(4.0), np.zeros(3))
    assert out.tolist() == [20.0, 1.0, 2.0]


def test_extremes_of_integers():
    text = """
@njit
def run(labels, out):
    out[0] = labels.min()
    out[1] = labels.max()
"""
    assert same(text, np.array([[3, -4], [7, 2]]), np.zeros(2))[1].tolist() == [-4.0, 7.0]


def test_a_choice_between_arrays():
    text = """
@njit
def run(x, y, out):
    for k in range(4):
        part = x if k < 2 else view(y, at(2), (2,))
        out[k] = part[k % 2]
"""
    assert same(text, np.arange(2.0), np.arange(4.0), np.zeros(4))[2].tolist() == [0.0, 1.0, 2.0, 3.0]


OTHERS = [
    "x[k]**2",
    "x[-1]",
    "x[k]//2.0",
    "x[k] is None",
    "nothing(x[k])",
    "len(x)",
    "x.sum()",
    "[x[k]][0]",
    "np.cbrt(x[k])",
    "'a'",
    "math.sqrt(x=x[k])",
    "max(x[k], 1.0)",
    "~l[k]",
    "missing",
]


@pytest.mark.parametrize("formula", OTHERS)
def test_other_forms_are_left_to_numba(formula):
    text = f"""
@njit(error_model="numpy")
def run(x, l, out):
    for k in range(x.shape[0]):
        out[k] = {formula}
"""
    with pytest.raises(NotCovered):
        machine(text, kinds=[("float64", 1), ("int64", 1), ("float64", 1)])


def test_divisions_that_would_be_errors_are_left_to_numba():
    with pytest.raises(NotCovered):
        machine("@njit\ndef run(x, out):\n    out[0] = 1/x[0]\n")
    with pytest.raises(NotCovered):
        machine("@njit\ndef run(x, out):\n    out[0] = 1//x.shape[0]\n")
