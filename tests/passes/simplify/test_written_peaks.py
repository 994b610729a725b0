import numpy as np
import pytest
import sympy as sp

from symbp.ir import Access, Program, Statement, Tensor, check, evaluate
from symbp.passes.simplify.peaks import is_peak
from symbp.passes.simplify.written_peaks import with_written_peaks

e, log = sp.exp, sp.log
a, b, c = (Access(name) for name in "abc")
SHIFTED = [
    log(e(a) + e(b)),
    log(2 * e(a) + e(b) / 3 + 1),
    a * log(e(a * b) + e(c)) ** 2 - log(e(a) + e(c)),
    log(sp.pi * e(-((a - b) ** 2)) + e(c)),
]
LEFT = [log(1 + sp.pi * e(a)), log(e(a) - e(b)), log(a + b), e(a) / (e(a) + e(b)), log(e(a))]


def shifted(body):
    tensors = {name: Tensor(name, (), "input") for name in "abc"} | {"f": Tensor("f", ())}
    return with_written_peaks(Program(tensors, (Statement("f", (), body),), ("f",)))


@pytest.mark.parametrize("body", SHIFTED, ids=str)
def test_logarithms_of_sums_are_shifted(body):
    program = check(shifted(body))
    *peaks, last = program.statements
    assert all(map(is_peak, peaks))
    assert len(peaks) == len(body.atoms(log))
    assert last.target == "f"
    at = {"a": np.array(0.5), "b": np.array(-1.5), "c": np.array(2.0)}
    right = float(body.subs({name: float(at[name.name]) for name in (a, b, c)}))
    np.testing.assert_allclose(evaluate(program, at)["f"], right, rtol=1e-14)


def test_they_are_finite_far_out():
    program = shifted(log(e(a) + e(b)))
    for at in (-1000.0, 1000.0):
        found = evaluate(program, {"a": np.array(at), "b": np.array(at - 1), "c": np.array(0.0)})["f"]
        np.testing.assert_allclose(found, at + np.log1p(np.exp(-1)), rtol=1e-15)


@pytest.mark.parametrize("body", LEFT, ids=str)
def test_others_are_left(body):
    assert shifted(body).statements == (Statement("f", (), body),)


def test_names_of_the_users_stay_free():
    tensors = {n: Tensor(n, (), "input") for n in ("a", "b", "m_f")} | {"f": Tensor("f", ())}
    body = log(e(a) + e(b)) * Access("m_f")
    program = with_written_peaks(Program(tensors, (Statement("f", (), body),), ("f",)))
    assert program.statements[0].target not in tensors
