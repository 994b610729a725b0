import numpy as np
import pytest
import sympy as sp
from rich.cells import cell_len

from symbp.view.circuit import Gate
from symbp.view.circuit.labels import constant, gradient_label, number, printable, shape_label, value_label


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.7310585, "0.73"),
        (-0.19661, "-0.20"),
        (-12.0, "-12"),
        (1, "1"),
        (0.0, "0"),
        (-0.0, "0"),
        (0.9999999, "1.00"),
        (1234.5678, "1234.57"),
        (9999.999, "1.0e4"),
        (99999.0, "99999"),
        (1e5, "1.0e5"),
        (0.0123, "0.012"),
        (0.00123, "0.0012"),
        (1.23e-5, "1.2e-5"),
        (-4e-100, "-4.0e-100"),
        (3e120, "3.0e120"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (-float("inf"), "-inf"),
        (0.0949999, "0.095"),
        (0.095, "0.10"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text


def test_constants():
    texts = [constant(c) for c in (sp.Rational(1, 2), sp.Float(0.1), sp.pi, sp.sqrt(2), 1 + sp.sqrt(2))]
    assert texts == ["1/2", "0.1", "pi", "sqrt(2)", "2.41"]
    assert constant(1 + sp.pi) == "(1 + pi)"
    assert cell_len(constant(sp.Integer(10) ** 400)) <= 10
    assert len(constant((1 + 2 * sp.I) ** sp.Rational(1, 3))) <= 10


def test_names_are_cut_in_the_middle_and_printable():
    assert printable("x") == "x"
    assert printable("first" + "-" * 100 + "last", 12) == "first---…ast"
    assert printable("first" + "-" * 10_000 + "last") == "first" + "-" * 11 + "…---last"
    assert printable("a\nb\x00") == "a\\x0ab\\x00"
    assert printable("\u202eabc") == "\\x202eabc"
    assert cell_len(printable("字" * 100)) <= 24
    assert "\ud800" not in printable("\ud800")


def test_arrays_are_a_range_and_a_norm():
    gate = Gate("a", "tanh(z)", ("z",), (2,), np.array([-1.0, 0.5]), np.array([3.0, -4.0]))
    assert value_label(gate) == "-1 … 0.50"
    assert gradient_label(gate) == "norm 5"
    one = Gate("a", "", (), (1,), np.array([2.0]), np.array([-4.0]))
    assert (value_label(one), gradient_label(one)) == ("2", "-4")
    assert (value_label(Gate("a", "+")), gradient_label(Gate("a", "+"))) == ("", "")
    assert [shape_label(s) for s in ((), (3,), (3, 4))] == ["", "3", "3×4"]
