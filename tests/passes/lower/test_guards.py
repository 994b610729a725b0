"""Entries outside of a tensor that a condition keeps from being read."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp import nn
from symbp.errors import ShapeError
from symbp.ir.nodes import Index
from symbp.passes.lower import lower
from symbp.passes.lower.guards import is_guard, unguarded

x, w, y = sb.indexed("x", 6), sb.indexed("w", 3), sb.indexed("y", 6)
i, p, E = nn.index("i", 6), nn.index("p", 3), nn.scalar("E")
INSIDE = sp.And(i + p >= 1, i + p <= 6)
MOVED = sp.Piecewise((x[i + p - 1], INSIDE), (0, True))


def network(right, *inputs, left=None):
    loss = sp.Eq(E, sp.Sum(y[i] ** 2, (i, 0, 5)))
    return sb.Network(
        [sp.Eq(y[i] if left is None else left, right), loss], inputs=inputs or [x], parameters=[w], loss=E
    )


def test_what_a_guard_is():
    scope = {i: Index("i", 6), i.label: Index("i", 6), p: Index("p", 3), p.label: Index("p", 3)}
    assert is_guard(MOVED, scope)
    assert unguarded(w[p] * MOVED, scope) == (w[p] * x[i + p - 1], [MOVED])
    for other in (
        sp.Piecewise((x[i], i >= 1), (0, True)),  # never leaves x
        sp.Piecewise((x[i - 1], i >= 1), (1, True)),
        sp.Piecewise((x[i - 1], x[i] >= 1), (0, True)),
        sp.Piecewise((x[i - 1], sp.Or(i >= 1, p >= 1)), (0, True)),
        x[i - 1],
    ):
        assert not is_guard(other, scope)
        assert unguarded(other, scope) == (other, [])
    assert not is_guard(MOVED, {})


@pytest.mark.parametrize("factor", ["inside", "outside", "both"])
def test_a_margin_in_a_sum_is_its_condition(factor):
    body = {
        "inside": sp.Piecewise((w[p] * x[i + p - 1], INSIDE), (0, True)),
        "outside": sp.Mul(w[p], MOVED, evaluate=False),
        "both": sp.Mul(MOVED, sp.Piecewise((w[p], i + p >= 1), (0, True)), evaluate=False),
    }[factor]
    net = network(sp.Sum(body, (p, 0, 2)))
    statement = lower(net).statement_of()["y"]
    assert (statement.reduce, len(statement.bound), len(statement.where) > 0) == ("sum", 1, True)
    model = sb.compile(net)
    data, theta = np.random.default_rng(0).integers(-9, 10, size=(4, 6)) / 4, np.array([1.0, -2.0, 0.5])
    want = np.stack([np.correlate(row, theta, "same") for row in data])
    np.testing.assert_array_equal(model.forward(theta, x=data)["y"], want)
    model.check(theta, x=data)


def test_a_margin_alone_is_a_statement_with_a_condition():
    wide = sb.indexed("v", 8)
    u = nn.index("u", 8)
    pad = sp.Piecewise((x[u - 1], sp.And(u >= 1, u <= 6)), (0, True))
    loss = sp.Eq(E, sp.Sum(wide[u] ** 2, (u, 0, 7)))
    for right, factor in ((pad, 1), (3 * pad + 1, 3)):
        net = sb.Network([sp.Eq(wide[u], right), loss], inputs=[], parameters=[x], loss=E, batch=False)
        guarded = [s for s in lower(net).statements if s.where]
        assert [(s.reduce, len(s.where)) for s in guarded] == [("none", 2)]
        model = sb.compile(net)
        theta = np.arange(1.0, 7)
        want = factor * np.pad(theta, 1) + (factor == 3)
        np.testing.assert_array_equal(model.forward(theta)["v"], want)
        _, gradient = model.value_and_grad(theta)
        np.testing.assert_array_equal(gradient, 2 * factor * want[1:-1])


def test_zeros_stay_where_there_would_be_nan():
    """What is outside is not computed, so that it poisons nothing."""
    pad = sp.Piecewise((1 / x[i - 1], i >= 1), (0, True))
    model = sb.compile(network(pad * w[0]))
    found = model.forward(np.ones(3), x=np.full((1, 6), 2.0))["y"]
    np.testing.assert_array_equal(found, [[0.0, 0.5, 0.5, 0.5, 0.5, 0.5]])


def test_conditions_that_let_too_much_through():
    short = sp.Piecewise((x[i + p - 1], i + p >= 1), (0, True))
    for right in (sp.Sum(w[p] * short, (p, 0, 2)), w[0] * sp.Piecewise((x[i - 1], i >= 0), (0, True))):
        with pytest.raises(ShapeError, match="runs over"):
            sb.compile(network(right))
    # What stands elsewhere in the equation has no condition.
    with pytest.raises(ShapeError, match="runs over"):
        sb.compile(network(sp.Sum(w[p] * MOVED + x[i + p - 1], (p, 0, 2))))
    plain, held = x[i - 1], sp.Piecewise((x[i - 1], i >= 1), (0, True))
    for first, second in ((plain, held), (held, plain)):
        for right in (
            sp.Add(sp.sin(first), sp.cos(second), evaluate=False),
            sp.Mul(sp.exp(first), sp.exp(second) + w[0], evaluate=False),
        ):
            with pytest.raises(ShapeError, match="runs over"):
                sb.compile(network(right))


@pytest.mark.parametrize("held", [sp.Ne(i, 0), 2 * i > p, sp.Eq(sp.Mod(i, 2), 1)], ids=str)
def test_other_conditions_on_indices(held):
    condition = sp.And(held, i >= 1) if held.has(p) else held
    model = sb.compile(network(sp.Sum(sp.Piecewise((w[p] * x[i - 1], condition), (0, True)), (p, 0, 2))))
    data, theta = np.arange(1.0, 13).reshape(2, 6), np.array([1.0, -2.0, 0.5])
    want = np.zeros((2, 6))
    for a in range(6):
        for b in range(3):
            if condition.subs({i: a, p: b}):
                want[:, a] += theta[b] * data[:, a - 1]
    np.testing.assert_array_equal(model.forward(theta, x=data)["y"], want)
    model.check(theta, x=data)
