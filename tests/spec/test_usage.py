"""How functions are called, and what is said of words that symbp does not compile."""

import pytest
import sympy as sp

from symbp.errors import SpecError
from symbp.spec.expression import parse_expression
from symbp.spec.functions import FUNCTIONS
from symbp.spec.usage import misfit, usage

NAMES = {"s": sp.Symbol("s"), "B": sp.MatrixSymbol("B", 3, 3)}


def refusal(text):
    with pytest.raises(SpecError) as caught:
        parse_expression(text, NAMES, FUNCTIONS, line=7)
    assert (caught.value.line, caught.value.column) == (7, 1)
    return caught.value


def test_usage_comes_from_the_signature():
    assert usage("f", lambda x, *rest, slope=2, **more: x) == "f(x, rest, ..., slope=2)"
    assert usage("leaky_relu", FUNCTIONS["leaky_relu"]) == "leaky_relu(x, slope=0.1)"
    assert usage("max", FUNCTIONS["max"]) == "max(a, b, c, ...)"
    assert usage("atan2", FUNCTIONS["atan2"]) == "atan2(y, x)"


def test_misfits_are_told_from_the_signature():
    assert misfit(lambda x: x, [1], {}) is None
    assert "too many" in misfit(lambda x: x, [1, 2], {})
    assert "missing" in misfit(lambda x: x, [], {})
    assert "'slope'" in misfit(lambda x: x, [1], {"slope": 1})


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_no_call_without_arguments_names_internals(name):
    error = refusal(f"{name}()")
    assert "<locals>" not in error.problem
    assert error.hint
    assert name in error.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("sin(s, s)", "write sin(x)"),
        ("leaky_relu(s, alpha=1)", "write leaky_relu(x, slope=0.1)"),
        ("trace(s)", "write trace(matrix)"),
        ("det(B)", "determinants are not compiled"),
        ("inv(B)", "inverses are not compiled"),
        ("I*s", "real numbers only"),
        ("oo*s", "finite"),
        ("B**(-1)", "inverses are not compiled"),
        ("sqrt(-2)*s", "real"),
        ("asin(2)*s", "real domain"),
        ("quark + s", "names here are s, B, pi"),
    ],
)
def test_hints_say_what_to_write(text, hint):
    assert hint in refusal(text).hint
