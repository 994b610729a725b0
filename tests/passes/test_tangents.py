import numpy as np
import pytest
import sympy as sp

from symbp.ir import Access, Index, Program, Statement, Tensor, check, evaluate
from symbp.passes.simplify.ledger import Ledger
from symbp.passes.tangents import tangents
from symbp.pipeline import derive
from tests.catalogue import CATALOGUE, NAMES

i, j = Index("i", 3), Index("j", 4)


def along(program, directions):
    given = [Tensor(d, program.tensors[n].shape, "parameter") for n, d in directions.items()]
    found = tangents(program, directions)
    tensors = {t.name: t for t in (*given, *found.tensors)}
    outputs = tuple(found.names[n] for n in program.outputs if n in found.names)
    whole = Program({**program.tensors, **tensors}, (*program.statements, *found.statements), outputs)
    return check(whole), found.names


@pytest.mark.parametrize("name", NAMES)
def test_tangents_equal_the_complex_step(name):
    """Of all equations, along a random direction; which no stabilising shift has a part in."""
    program = CATALOGUE[name].derivation.forward_program
    values = CATALOGUE[name].values(program)
    random = np.random.default_rng(0)
    parameters = [t.name for t in program.by_role("parameter")]
    way = {n: random.normal(size=np.shape(values[n])) for n in parameters}
    whole, names = along(program, {n: f"{n}'" for n in parameters})
    found = evaluate(whole, {**values, **{f"{n}'": v for n, v in way.items()}})
    moved = {**values, **{n: values[n] + 1e-30j * v for n, v in way.items()}}
    exact = evaluate(program, moved, np.complex128)
    for output in program.outputs:
        right = np.imag(exact[output]) / 1e-30
        if output in names:
            scale = max(1.0, float(np.abs(right).max()))
            np.testing.assert_allclose(found[names[output]], right, rtol=1e-12, atol=1e-12 * scale)
        else:
            assert not right.any()


def program_of(body, bound=(), where=(), reduce="none", indices=(i,)):
    A, b = Tensor("A", (3, 4), "parameter"), Tensor("b", (3,), "parameter")
    c = Tensor("c", tuple(k.extent for k in indices))
    statement = Statement("c", indices, body, reduce, bound, where)
    return Program({"A": A, "b": b, "c": c}, (statement,), ("c",))


def test_choices_are_added_up_once():
    """The parts are sums of their own: what adds them is none."""
    A, b = Access("A", i, j), Access("b", i)
    body = sp.Piecewise((A * b, sp.Eq(j, 0)), (sp.sin(A) * b, True))
    whole, names = along(program_of(body, (j,), reduce="sum"), {"A": "A'", "b": "b'"})
    random = np.random.default_rng(1)
    a, d, s, t = (random.normal(size=n) for n in ((3, 4), (3, 4), 3, 3))
    found = evaluate(whole, {"A": a, "A'": d, "b": s, "b'": t})[names["c"]]
    first, rest = slice(0, 1), slice(1, None)
    right = (d * s[:, None] + a * t[:, None])[:, first].sum(1)
    right += (np.cos(a) * d * s[:, None] + np.sin(a) * t[:, None])[:, rest].sum(1)
    np.testing.assert_allclose(found, right, rtol=1e-14)


def test_conditions_stay():
    whole, names = along(
        program_of(Access("A", i, j) ** 2, (j,), (sp.Le(j, i, evaluate=False),), "sum"), {"A": "A'"}
    )
    a, d = np.arange(12.0).reshape(3, 4), np.ones((3, 4))
    found = evaluate(whole, {"A": a, "A'": d, "b": np.ones(3)})[names["c"]]
    np.testing.assert_allclose(found, (2 * np.tril(a)).sum(1))


def test_the_shift_of_a_sum_of_exponentials_has_none():
    program = CATALOGUE["log_sum_exp"].derivation.forward_program
    found = tangents(program, {t.name: f"{t.name}'" for t in program.by_role("input", "parameter")})
    assert any(s.reduce == "max" for s in program.statements)
    assert found.statements
    assert not any(s.reduce == "max" for s in found.statements)


def test_what_does_not_depend_on_the_direction_has_none():
    _, names = along(program_of(Access("b", i) * 2), {"A": "A'"})
    assert set(names) == {"A"}


def test_derivatives_are_written_through_values():
    ledger = Ledger()
    derivation = derive(CATALOGUE["dense_tanh"].network())
    program = derivation.forward_program
    found = tangents(program, {t.name: f"{t.name}'" for t in program.by_role("parameter")}, True, ledger)
    assert ledger.steps
    assert not any(s.body.has(sp.tanh) for s in found.statements)
    assert not tangents(program, {}, True).statements


def test_names_of_the_users_stay_free():
    program = program_of(Access("b", i) ** 2)
    taken = Tensor("c along", (3,), "parameter")
    program = Program({**program.tensors, taken.name: taken}, program.statements, program.outputs)
    _, names = along(program, {"b": "b'"})
    assert names["c"] not in program.tensors
