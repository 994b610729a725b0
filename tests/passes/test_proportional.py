"""Values that are multiples of each other are evaluated once."""

from __future__ import annotations

import numpy as np
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

import symbp as sb
from symbp import rows
from symbp.ir import Access, Index, Program, Statement, Tensor, check, evaluate
from symbp.passes import proportional as module
from symbp.passes.cost import cost
from symbp.passes.proportional import proportional
from symbp.passes.prune import prune

a, b, c, d = (Access(name) for name in "abcd")
INPUTS = [Tensor(name, (), "input") for name in "abcd"]
half, fifth = sp.Rational(1, 2), sp.Rational(1, 5)


def program(**bodies):
    tensors = [*INPUTS, *(Tensor(name, ()) for name in bodies)]
    statements = tuple(Statement(name, (), body) for name, body in bodies.items())
    return Program({t.name: t for t in tensors}, statements, tuple(bodies))


def after(**bodies):
    found = proportional(program(**bodies))
    check(found)
    return {s.target: s.body for s in found.statements}


def test_multiples_of_a_value():
    found = after(s=4 * a * b + 4 * c * d, t=-a * b * fifth - c * d * fifth, u=a * b + c * d)
    assert found == {"s": 4 * a * b + 4 * c * d, "t": -Access("s") / 20, "u": Access("s") / 4}


def test_values_that_are_equal_by_that():
    """The halves of a symmetric matrix: s0 t1 and s1 t0 with s1 = s0/5 and t1 = t0/5."""
    found = after(
        s0=5 * (a - b),
        s1=a - b,
        t0=5 * (c + d),
        t1=c + d,
        p=Access("s0") * Access("t1"),
        q=Access("s1") * Access("t0"),
    )
    assert found["q"] == Access("p")


def test_parts_of_bodies_get_entries_of_their_own():
    found = after(s=c * (a - b), t=d * (2 * b - 2 * a) + c)
    (shared,) = found.keys() - {"s", "t"}
    assert found[shared] in (a - b, b - a)
    sign = 1 if found[shared] == a - b else -1
    assert found["s"] == sign * c * Access(shared)
    assert found["t"] == c - 2 * sign * d * Access(shared)


def test_powers_and_functions():
    found = after(s=2 * a - 2 * b, t=(a - b) ** 2, u=sp.exp(b - a), v=sp.exp(a - b), w=1 / (3 * b - 3 * a))
    assert found["t"] == Access("s") ** 2 / 4
    assert found["u"] == sp.exp(-Access("s") / 2)
    assert found["v"] == sp.exp(Access("s") / 2)
    assert found["w"] == -sp.Rational(2, 3) / Access("s")


def test_of_floats_only_the_sign_is_taken():
    found = after(s=0.7 * a - 0.3 * b, t=0.3 * b - 0.7 * a, u=1.4 * a - 0.6 * b)
    assert found["t"] == -Access("s")
    assert found["u"] == 1.4 * a - 0.6 * b


def test_numbers_and_copies():
    found = after(s=sp.Integer(3), t=a, u=-2 * a, v=Access("u") * b, w=a * b)
    assert (found["s"], found["t"], found["u"]) == (3, a, -2 * a)
    assert found["v"] == -2 * a * b
    assert found["w"] == -Access("v") / 2


def test_a_quotient_by_nothing_stays_infinite():
    """s + t is 0 for all arguments; SymPy has no real number for 1/0."""
    s, t = Access("s"), Access("t")
    bodies = {"s": a - b, "t": b - a, "u": c / (s + t), "v": c * (s + t) + d, "w": (s + t) ** -2}
    assert after(**bodies) == {**bodies, "t": -s, "v": d}


def test_nothing_in_common_stays():
    bodies = {"s": 2 * a + 2 * b, "t": 3 * (a + c), "u": a * b + 1, "v": sp.Piecewise((a, a > b), (b, True))}
    assert after(**bodies) == bodies


def test_programs_with_loops_are_left_alone():
    i = Index("i", 3)
    x = Tensor("x", (3,), "input")
    loop = Statement("s", (i,), 2 * Access("x", i))
    before = Program({"x": x, "s": Tensor("s", (3,))}, (loop,), ("s",))
    assert proportional(before) is before


def test_choices_keep_their_conditions():
    found = after(s=b - a, t=sp.Piecewise((2 * a - 2 * b, a - b > 0), (c, True)))
    values = {"a": 3.0, "b": 1.0, "c": 7.0, "d": 0.0}
    for given_values in (values, {**values, "a": -3.0}):
        old = evaluate(program(s=b - a, t=sp.Piecewise((2 * a - 2 * b, a - b > 0), (c, True))), given_values)
        new = evaluate(
            proportional(program(s=b - a, t=sp.Piecewise((2 * a - 2 * b, a - b > 0), (c, True)))),
            given_values,
        )
        assert old["t"] == new["t"]
    assert len(found) == 2


NUMBERS = [sp.Integer(n) for n in (-3, -1, 2, 4)] + [half, -fifth, sp.Float(0.7)]


@st.composite
def systems(draw):
    """Sums of products of what was defined before."""
    known, bodies = [a, b, c, d], {}
    for k in range(draw(st.integers(2, 8))):
        terms = []
        for _ in range(draw(st.integers(1, 3))):
            factors = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3))
            inner = sp.Add(*draw(st.lists(st.sampled_from(known), min_size=1, max_size=2)))
            terms.append(
                draw(st.sampled_from(NUMBERS)) * sp.Mul(*factors) * inner ** draw(st.sampled_from([0, 1, 2]))
            )
        body = sp.Add(*terms)
        if body.is_number:
            continue
        bodies[f"v{k}"] = body
        known.append(Access(f"v{k}"))
    return program(**bodies)


@given(systems())
def test_meaning_is_kept(before):
    after = prune(proportional(before))
    check(after)
    values = {"a": 0.7, "b": -0.4, "c": 0.3, "d": 0.9}
    old, new = evaluate(before, values), evaluate(after, values)
    for name in before.outputs:
        np.testing.assert_allclose(new[name], old[name], rtol=1e-9, atol=1e-12)


def test_equations_of_motion_take_fewer_operations(monkeypatch):
    """Two links: M u' = f with M symmetric, by elimination as users write it."""
    q, u = sp.symbols("q0:2"), sp.symbols("u0:2")
    near = sp.cos(q[0]) * sp.cos(q[1]) + sp.sin(q[0]) * sp.sin(q[1])
    apart = sp.sin(q[0]) * sp.cos(q[1]) - sp.cos(q[0]) * sp.sin(q[1])
    force = -apart * u[1] ** 2 - 20 * sp.sin(q[0]), apart * u[0] ** 2 - 10 * sp.sin(q[1])
    second = (force[1] - sp.expand(near / 2) * force[0]) / (1 - sp.expand(near / 2) * near)
    bodies = [(force[0] - near * second) / 2, second]

    def operations():
        f = sb.compile(bodies, wrt=[*q, *u], cache=False)
        return f, sum(cost(s.body) for s in f.derivation.backward_program.statements)

    f, few = operations()
    values, slopes = f.value_and_jacobian(0.3, 0.8, -0.2, 0.5)
    there = dict(zip([*q, *u], map(sp.Rational, ("0.3", "0.8", "-0.2", "0.5")), strict=True))
    exact = sp.Matrix(bodies)
    np.testing.assert_allclose(values, np.array(exact.subs(there).evalf(30), float).ravel(), rtol=1e-13)
    want = np.array(exact.jacobian([*q, *u]).subs(there).evalf(30), float)
    np.testing.assert_allclose(slopes, want, rtol=1e-12)
    monkeypatch.setattr(rows, "proportional", lambda program: program)
    assert few < 0.8 * operations()[1]


def test_sweeps_do_not_ask_again_what_is_known(monkeypatch):
    asked = []
    alone = module._multiple
    monkeypatch.setattr(module, "_multiple", lambda node, parts: asked.append(node) or alone(node, parts))
    after(s=c * (a - b), t=d * (2 * b - 2 * a) + c, u=sp.sin(a * d), v=sp.cos(a * d))
    # The sums and products of four bodies; again only what reads one of the two new entries then.
    assert len(asked) < 30


def test_where_nothing_is_shared_there_is_one_sweep(monkeypatch):
    sweeps = []
    values = module._Values
    monkeypatch.setattr(module, "_Values", lambda *args: sweeps.append(args) or values(*args))
    found = after(s=a * b, t=sp.sin(c) + d)
    assert found == {"s": a * b, "t": sp.sin(c) + d}
    assert len(sweeps) == 1


def test_floats_are_not_hashed(monkeypatch):
    bodies = {f"s{k}": sp.Float(k + 0.25) * a * b - sp.Float(k + 0.125) * c for k in range(20)}
    given = program(**bodies)
    hashed = []
    plain = sp.Float.__hash__
    monkeypatch.setattr(sp.Float, "__hash__", lambda self: hashed.append(self) or plain(self))
    found = proportional(given)
    assert [s.body for s in found.statements] == list(bodies.values())
    assert len(hashed) <= 5 * len(bodies)  # those that hashing what was built takes
