"""Cutting large expressions: meaning, size, and branches that have no value where they are not taken."""

import random

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.ir import check, evaluate
from symbp.ir.walk import operations, postorder
from symbp.passes.lower import lower, pieces
from symbp.pipeline import derive as derive_network

x, y, z, E = sp.symbols("x y z E")
STEP = 1e-30


def network(expression):
    return sb.Network([sp.Eq(E, expression, evaluate=False)], inputs=[x, y, z], loss=E, batch=False)


def derive(expression):
    return derive_network(network(expression), wrt=[x, y, z])


def small_pieces(monkeypatch, piece=3):
    """Cut everything, so that small expressions show what large ones do."""
    for name, value in {"LARGE": 2, "TREE": 2, "PIECE": piece}.items():
        monkeypatch.setattr(pieces, name, value)


def gradient(derivation, values):
    got = evaluate(derivation.backward_program, values)
    return {n: float(got[g]) for n, g in derivation.gradients.items()}


def exact(derivation, values):
    """The complex step through the forward program."""
    result = {}
    for name in derivation.gradients:
        moved = {**values, name: values[name] + 1j * STEP}
        result[name] = float(np.imag(evaluate(derivation.forward_program, moved, np.complex128)["E"]) / STEP)
    return result


def test_what_is_large():
    assert not pieces.is_large(postorder([sp.sin(x) + 1]))
    e = x
    for _ in range(11):
        e = sp.Add(sp.sin(e, evaluate=False), sp.cos(e, evaluate=False), evaluate=False)
    order = postorder([e])
    assert len(order) < pieces.LARGE
    assert pieces.is_large(order)


def test_statements_are_small_and_their_number_is_linear():
    counts, nested = [], [x]
    for _ in range(400):
        e = nested[-1]
        sine = sp.sin(sp.Add(e, z, evaluate=False), evaluate=False)
        nested.append(sp.Add(sine, sp.Mul(e, y, evaluate=False), evaluate=False))
    for e in (nested[100], nested[200], nested[400]):
        program = check(lower(network(e)))
        assert max(operations(s.body) for s in program.statements) <= pieces.PIECE
        counts.append(len(program.statements))
    assert counts[2] - counts[1] == 2 * (counts[1] - counts[0])


def test_nested_choices_share_what_their_branches_have_in_common():
    """As a tree this expression has 2^300 nodes."""
    e, values = x, {"x": 0.3, "y": 0.9, "z": 120.5}
    want = np.array([0.3, 1.0, 0.0])  # value, slope in x, slope in y
    for k in range(300):
        e = sp.Piecewise((e + y, z < k), (e * y, True), evaluate=False)
        value, slope, other = want
        want = np.array([value + 0.9, slope, other + 1]) if k > 120.5 else 0.9 * want + [0, 0, value]
    derivation = derive(e)
    got = evaluate(derivation.backward_program, values)
    assert len(derivation.forward_program.statements) <= 2 * 300
    assert float(got["E"]) == pytest.approx(want[0], rel=1e-12)
    assert gradient(derivation, values) == pytest.approx({"x": want[1], "y": want[2], "z": 0}, rel=1e-12)


BRANCHES = {
    "square root": sp.Piecewise((sp.sqrt(x) * sp.sin(sp.sqrt(x)), y > 0), (x, True)),
    "logarithm": sp.Piecewise((y, x <= 0), (sp.log(x) ** 2 + sp.log(x), True)),
    "quotient": sp.Piecewise((sp.sin(1 / x) / x, sp.Ne(x, 0)), (y, True)),
    "in the middle": sp.Piecewise((y, z > 1), (sp.sqrt(x) + sp.exp(sp.sqrt(x)), x > 0), (y * z, True)),
    "nested": sp.Piecewise(
        (sp.Piecewise((sp.sqrt(x) * sp.cos(sp.sqrt(x)), z > 0), (y, True)), y > 0), (z, True)
    ),
    "asked and needed": sp.Piecewise((sp.sqrt(x) * sp.tanh(sp.sqrt(x)), sp.sqrt(x) > y), (z, True)),
    "two choices": sp.Piecewise((sp.sqrt(x) * z, y > 0), (1, True))
    + sp.Piecewise((sp.sqrt(x), z > 1), (y, True)),
}


@pytest.mark.parametrize("name", BRANCHES)
@pytest.mark.parametrize("piece", [2, 5])
def test_a_branch_that_is_not_taken_poisons_no_gradient(monkeypatch, name, piece):
    """At x = 0 the square root has an infinite slope, the logarithm and the quotient no value."""
    whole = derive(BRANCHES[name])
    small_pieces(monkeypatch, piece)
    cut = derive(BRANCHES[name])
    assert len(cut.forward_program.statements) > len(whole.forward_program.statements)
    points = [
        (0.0, 0.5, -1.0),
        (0.0, -0.5, 0.5),
        (0.0, -0.5, -2.0),
        (0.0, 0.1, 0.0),
        (0.3, 0.5, 0.7),
        (2.0, -1.0, 1.5),
    ]
    defined = 0
    for point in points:
        values = dict(zip("xyz", point, strict=True))
        want = gradient(whole, values)
        if all(np.isfinite(list(want.values()))):
            defined += 1
            assert want == pytest.approx(exact(whole, values), rel=1e-12)
            assert gradient(cut, values) == pytest.approx(want, rel=1e-12)
    assert defined >= 3


def test_many_alternatives_make_one_condition(monkeypatch):
    """A root that twenty choices read is needed where one of them reads it."""
    small_pieces(monkeypatch)
    e = sp.Add(*(sp.Piecewise((k * sp.sqrt(x), y > k), (0, True)) for k in range(1, 21)))
    derivation = derive(e)
    assert max(operations(s.body) for s in derivation.forward_program.statements) < 60
    for values in ({"x": 0.0, "y": 0.5, "z": 0.0}, {"x": 4.0, "y": 3.5, "z": 0.0}):
        want = {"x": (1 + 2 + 3) / 4 if values["x"] else 0.0, "y": 0.0, "z": 0.0}
        assert gradient(derivation, values) == pytest.approx(want)


def test_what_all_branches_need_has_no_condition(monkeypatch):
    small_pieces(monkeypatch)
    shared = sp.exp(x * y) + 1
    e = sp.Piecewise((shared * z, z > 0), (sp.sin(shared), z > -1), (shared, True))
    program = lower(network(e))
    assert all(not s.body.has(sp.Piecewise) or s.target == "E" for s in program.statements)


def choices(pick, size):
    pool = [x, y, z, sp.Integer(1), sp.Rational(1, 2)]
    while len(pool) < size:
        a, b = (pick.choice(pool[-6:]) for _ in range(2))
        c, d = pick.sample(pool[:5], 2)
        new = [
            a + b,
            a * b,
            sp.sin(a),
            sp.Piecewise((a, c > d), (b, True), evaluate=False),
            sp.Piecewise((sp.sqrt(a * a), a > 0), (b, c > d), (a * b, True), evaluate=False),
            sp.Piecewise((sp.exp(a) * b, sp.And(c > 0, d < 1)), (a - b, True), evaluate=False),
        ][pick.randrange(6)]
        if not new.is_number and len(new.free_symbols) > 1:
            pool.append(new)
    return pool[-1]


@pytest.mark.parametrize("seed", range(12))
def test_random_choices(monkeypatch, seed):
    e = choices(random.Random(seed), 14)
    whole = derive(e)
    small_pieces(monkeypatch, 2 + seed % 4)
    cut = derive(e)
    for point in ((0.3, 0.7, 1.2), (-1.0, 0.4, 2.0), (1.5, -0.5, 0.1)):
        values = dict(zip("xyz", point, strict=True))
        want = gradient(whole, values)
        assert gradient(cut, values) == pytest.approx(want, rel=1e-10, abs=1e-12)
        assert want == pytest.approx(exact(whole, values), rel=1e-10, abs=1e-12)
