import sympy as sp

from symbp.ir import Access, Index
from symbp.ir.nodes import Statement
from symbp.passes.simplify.exponential_sums import (
    Term,
    base_of,
    exponent_of,
    greatest,
    is_bounded,
    shifted,
    terms_of,
    weights,
)

e = sp.exp
k = Index("k", 3)
z, w, b, m = Access("z", k), Access("w", k), Access("b"), Access("m")
NOT_ZERO = sp.Ne(w, 0, evaluate=False)
mask = sp.Piecewise((e(z), w > 0), (0, True))


def test_terms():
    assert terms_of(e(z)) == [Term(z)]
    assert terms_of(3 * e(z) * e(b) / b) == [Term(z + b)]
    assert terms_of(w * e(z)) == [Term(z, frozenset([NOT_ZERO]))]
    assert terms_of(sp.sqrt(w) * e(z)) == [Term(z, frozenset([NOT_ZERO]))]
    assert set(terms_of(2 + e(z))) == {Term(sp.S.Zero), Term(z)}
    assert terms_of(mask) == [Term(z, frozenset([w > 0]))]
    assert terms_of(b * mask) == [Term(z, frozenset([w > 0, sp.Ne(b, 0, evaluate=False)]))]
    assert terms_of(sp.S.Zero) == []
    assert terms_of(e(z) * (1 + e(b))) is None


def test_other_bases():
    assert base_of(2**z) == 2
    assert base_of(w * 2**z + 2**b) == 2
    assert base_of(2**z + e(b)) is sp.E
    assert base_of(z**2 + 2**b * z) == 2
    assert base_of(z**2) is None
    assert exponent_of(2**z, sp.Integer(2)) == z
    assert exponent_of(2**z) == z * sp.log(2)
    assert exponent_of(z**2) is None
    assert shifted(w * 2**z, sp.Integer(2), m) == w * 2 ** (z - m)


def test_an_exponent_counts_where_its_factor_is_not_zero():
    assert greatest([Term(z), Term(b)]) == sp.Max(z, b)
    masked = greatest(terms_of(w * e(z)))
    assert masked == sp.Piecewise((z, NOT_ZERO), (-sp.oo, True))
    assert weights(masked) == [w]
    assert greatest(terms_of(mask)) == sp.Piecewise((z, w > 0), (-sp.oo, True))
    assert weights(greatest(terms_of(mask))) == []


def test_shifted():
    assert shifted(w * e(z), sp.E, m) == w * e(z - m)
    assert shifted(2 + w * e(z), sp.E, m) == 2 * e(-m) + w * e(z - m)
    assert shifted(b * mask, sp.E, m) == b * sp.Piecewise((e(z - m), w > 0), (0, True))
    assert Statement("s", (), shifted(mask, sp.E, m), "sum", (k,)).body.has(m)


def test_what_is_divided_by_its_own_exponential_does_not_grow():
    gate = 1 / (1 + e(z))
    for bounded in (
        w * e(z) * gate,
        e(2 * z) * gate**2,
        e(z) * gate**2,
        w * e(-z) / (1 + e(-z)) + e(z) * gate,
    ):
        assert is_bounded(bounded)
    for growing in (w * e(z), e(2 * z) * gate, e(z) / (1 + e(b)), e(z) * gate + e(z), e(-z) * gate, gate, w):
        assert not is_bounded(growing)
