import math
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
import sympy as sp

from symbp.ir import Access, forms, witness
from symbp.ir.evaluate import evaluate_body
from symbp.ir.walk import rebuild
from symbp.ir.witness import POINTS, are_in_no_order, is_somewhere_not_zero, is_somewhere_positive, values

a, b, c = (Access(n) for n in "abc")


@pytest.mark.parametrize(
    "body",
    [a, a * b - 2, sp.exp(a) / (1 + b**2), sp.sin(a - b) * sp.pi, sp.Float(0.3) * sp.tanh(a), sp.Abs(c)],
    ids=str,
)
def test_values_are_those_of_the_expression(body):
    points = {e.name: np.array(values(e)) for e in (a, b, c)}
    np.testing.assert_allclose(values(body), np.broadcast_to(evaluate_body(body, points), POINTS), rtol=1e-14)


def test_what_is_not_known_is_not_said():
    huge = sp.exp(sp.exp(sp.exp(1000 * a**2 + 100)))
    for body in (sp.Piecewise((a, a > 0), (b, True)), sp.gamma(a), sp.Symbol("x") + a, huge, sp.log(-(a**2))):
        assert values(body) is None
        assert not is_somewhere_positive(body)
        assert not is_somewhere_not_zero(body)
    assert not is_somewhere_positive(-(a**2))
    assert not is_somewhere_not_zero(sp.Add(a, -a, evaluate=False))


def test_rounding_is_no_sign():
    nothing = sp.Add(a * sp.Float(0.1), a * sp.Float(0.2), a * sp.Float(-0.3), evaluate=False)
    assert not is_somewhere_not_zero(nothing)


def test_order():
    assert are_in_no_order([a, b, c - 1])
    assert not are_in_no_order([a, a + 1])
    assert not are_in_no_order([a, sp.exp(a)])  # it is larger everywhere
    assert not are_in_no_order([a, sp.Max(b, c)])


def test_points_are_the_same_in_every_process():
    code = "from symbp.ir import Access\nfrom symbp.ir.witness import values\nprint(values(Access('a')))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(values(a))


def test_full_memory(monkeypatch):
    monkeypatch.setattr(witness, "REMEMBERED", 3)
    witness._VALUES.clear()
    deep = a
    for k in range(20):
        deep = sp.sin(deep + k)
    assert values(deep) is None or all(map(math.isfinite, values(deep)))
    witness._VALUES.clear()


@pytest.mark.parametrize("function", [sp.log, sp.sqrt, lambda u: sp.Max(u, a - 3 * b)])
@pytest.mark.parametrize(
    "inside", [a * b + 1, -(a**2) - 1, a - b, sp.exp(a) * b, sp.exp(a * b), a + 1, 2 * sp.exp(a), a**2]
)
def test_nodes_are_built_as_sympy_builds_them(function, inside):
    node = function(c + b * a - 5)
    swap = [inside if x == c + b * a - 5 else x for x in node.args]
    if not inside.is_negative:
        assert rebuild(node, tuple(swap)) == node.func(*swap)


def test_sympy_is_not_asked_for_signs_that_are_not_there(monkeypatch):
    forms._STANDS.clear()
    log, greatest = sp.log(a + b), sp.Max(a, b)
    operands = a * b - c, sp.exp(a) * b - c, a - c * b
    asked = []
    assumptions = import_module("sympy.core.assumptions")  # SymPy has a function of that name
    ask = assumptions._ask
    monkeypatch.setattr(assumptions, "_ask", lambda fact, of: asked.append((fact, of)) or ask(fact, of))
    for operand in operands:
        rebuild(log, (operand,))
    rebuild(greatest, (operands[0], operands[2]))
    assert asked == []
