import sympy as sp

from symbp.ir import Access, Index
from symbp.ir.functions import finite, log1p, times_logarithm
from symbp.ir.nodes import Program, Statement, Tensor
from symbp.passes.simplify.ledger import Ledger
from symbp.passes.simplify.peak_rules import MASKED, NEAR_ONE, Facts, logarithm_near_one, masked_first
from symbp.passes.simplify.stable import stable_forms

k = Index("k", 3)
z, w, y, m, s = Access("z", k), Access("w", k), Access("y"), Access("m"), Access("s")
e, log = sp.exp, sp.log
maximum = Statement("m", (), sp.Piecewise((z, sp.Ne(w, 0)), (-sp.oo, True)), "max", (k,))
facts = Facts.of([maximum, Statement("n", (), sp.Max(0, z), "max", (k,))])


def same(body):
    return body


def test_facts():
    assert facts.maxima == {"m", "n"}
    assert facts.masked == {"m"}
    assert facts.weights == {Access("w")}
    assert facts.from_zero == {"n"}


def test_a_weight_decides():
    assert masked_first([w, e(z - m), 1 / s], same, facts) == [1 / s, times_logarithm(w, e(z - m))]
    untouched = [[y, e(z - m)], [w, e(z - Access("n"))], [w, y], [1 / s, e(z - m)]]
    for factors in untouched:
        assert masked_first(factors, same, facts) is factors


def test_logarithms_near_one():
    n = Access("n")
    found = logarithm_near_one(log(e(-n) + s), same, facts)
    assert found == sp.Piecewise((log1p(s), sp.Le(n, 0, evaluate=False)), (log(e(-n) + s), True))
    assert logarithm_near_one(log(2 * e(-n) + s), same, facts) is None
    assert logarithm_near_one(log(e(-m) + s), same, facts) is None
    assert logarithm_near_one(log(s), same, facts) is None
    assert logarithm_near_one(log(2 ** (-n) + s), same, facts).has(log1p)


def test_in_programs():
    names = {"z": (3,), "w": (3,)}
    tensors = [Tensor(n, shape, "input") for n, shape in names.items()]
    tensors += [Tensor(n, ()) for n in ("m", "n", "E", "F", "s")]
    statements = (
        maximum,
        Statement("n", (), sp.Max(0, z), "max", (k,)),
        Statement("s", (), w * e(z - m), "sum", (k,)),
        Statement("E", (), log(s) + m),
        Statement("F", (), log(s + e(-Access("n")))),
    )
    ledger = Ledger()
    program = Program({t.name: t for t in tensors}, statements, ("E", "F"))
    found = stable_forms(program, ledger).statement_of()
    assert found["m"].body == finite(maximum.body)
    assert found["s"].body == times_logarithm(w, e(z - m))
    assert found["F"].body.has(log1p)
    assert [step.rule for step in ledger.steps] == [MASKED, NEAR_ONE]
