"""What saves operations must answer far out with what the other one answers."""

import pytest
import sympy as sp

import symbp as sb
from symbp.ir.nodes import Access, Index, Program, Statement, Tensor
from symbp.passes.simplify.steady import as_steady
from tests.catalogue import CATALOGUE, NAMES

i = Index("i", 3)
x, u = Access("x", i), Access("u", i)


def program(*bodies):
    """The last body is the output `y`, the one before it is `u`."""
    names = ("u", "y")[-len(bodies) :]
    tensors = {"x": Tensor("x", (3,), "input"), **{name: Tensor(name, (3,)) for name in names}}
    return Program(tensors, tuple(Statement(n, (i,), b) for n, b in zip(names, bodies, strict=True)), ("y",))


def test_numbers_where_the_other_has_numbers():
    whole = program(1 - 1 / (1 + x**200))
    parts = program(x**200, u / (1 + u))  # inf/inf at 1000
    assert not as_steady(parts, whole, False)
    assert not as_steady(parts, whole, True)


def test_what_is_small_may_lose_digits_where_that_is_asked_for():
    big = sp.Integer(10**9)
    right, wrong = program(x), program(sp.Add(x + big, -big, evaluate=False))
    assert as_steady(wrong, right, True)
    assert not as_steady(wrong, right, False)
    assert not as_steady(program(1 / (2 + x**2)), program(1 / (1 + x**2)), True)


def test_labels_are_in_range():
    derivation = sb.derive(sb.mlp([2, 3], loss="softmax_cross_entropy", labels=True))
    assert as_steady(derivation.backward_program, derivation.backward_program, True)


@pytest.mark.parametrize("name", NAMES)
def test_every_program_is_as_steady_as_itself(name):
    program = CATALOGUE[name].derivation.backward_program
    assert as_steady(program, program, True)
