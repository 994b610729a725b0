import sympy as sp

from symbp.ir import Access, Index
from symbp.ir.functions import finite, log1p, times_logarithm
from symbp.ir.nodes import Program, Statement, Tensor
from symbp.passes.simplify.ledger import Ledger
from symbp.passes.simplify.peak_rules import (
    LOWEST,
    MASKED,
    NEAR_ONE,
    Facts,
    counted_divisor,
    logarithm_near_one,
    masked_first,
)
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


def test_what_is_0_where_a_weight_is():
    statements = [
        maximum,
        Statement("u", (k,), y * w),
        Statement("v", (k,), -3 * Access("u", k) ** 2 + w),
        Statement("o", (k,), w + y),
    ]
    found = Facts.of(statements)
    assert found.deciding == {"u", "v"}
    v = Access("v", k)
    assert masked_first([v, e(z - m)], same, found) == [times_logarithm(v, e(z - m))]
    assert masked_first([v + w, e(z - m)], same, found) == [times_logarithm(v + w, e(z - m))]
    for other in (Access("o", k), v + y, 1 / w):
        factors = [other, e(z - m)]
        assert masked_first(factors, same, found) is factors


def test_a_divisor_of_nothing():
    i = Index("i", 2)
    a, M = Access("a", i, k), Access("M", i)
    statements = [
        Statement("M", (i,), a, "max", (k,)),
        Statement("u", (i, k), e(a - M)),
        Statement("s", (i,), Access("u", i, k), "sum", (k,)),
        Statement("t", (i,), Access("u", i, k) + 1, "sum", (k,)),
    ]
    found = Facts.of(statements)
    s = Access("s", Index("j", 2))
    (one, nothing), (rest, _) = counted_divisor(1 / s, 1 / s, found).args
    assert (one, rest) == (1, 1 / s)
    assert set(nothing.args) == {sp.Eq(s, 0), sp.Lt(Access("M", *s.indices), LOWEST)}
    for other in (s, 1 / Access("t", i), 1 / Access("M", i), 1 / (1 + s)):
        assert counted_divisor(other, other, found) is None


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
