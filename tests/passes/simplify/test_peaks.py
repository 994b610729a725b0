from dataclasses import replace

import sympy as sp

from symbp.ir import Access, Index
from symbp.ir.nodes import Statement
from symbp.passes.simplify.peaks import Peak, Peaks, Total

e = sp.exp
i, j, k = Index("i", 2), Index("j", 4), Index("k", 3)
z, b = Access("z", k), Access("b")


def peaks(**bodies):
    """Those of sums over k and over j, with what they define."""
    made = []
    sums = {}
    for name, (body, free) in bodies.items():
        bound = (j,) if j in body.free_symbols else (k,)
        sums[name] = Total(Statement(name, free, body, "sum", bound), sp.E)

    def define(statement, wish):
        made.append(statement)
        return f"{wish}{len(made)}"

    return Peaks(sums, define), made


def test_the_greatest_of_a_sum_and_of_what_is_added_to_it():
    found, made = peaks(s=(e(z), ()))
    s = Access("s")
    assert found.of(s) == Peak(Access("m_s1"), sp.E)
    assert found.of(1 + 2 * s) == Peak(Access("m_s2"), sp.E)
    assert found.of(e(b) + s).access == Access("m_s3")
    assert found.of(3 * e(b) * s).access == Access("m_s4")
    assert [m.body for m in made] == [z, sp.Max(0, z), sp.Max(b, z), z + b]
    assert all(m.reduce == "max" and m.bound == (k,) for m in made)
    assert found.of(2 + s).access == Access("m_s2")
    assert found.of(2 + 3 * s**2).access == Access("m_s2")
    assert found.of(e(3 * b) + s**3).access == Access("m_s3")
    assert found.of(s + s**2) is None


def test_equal_sums_have_one():
    y = Access("z", Index("k2", 3))
    found, made = peaks(s=(e(z), ()), t=(e(y) * b, ()))
    made_t = Statement("t", (), e(y), "sum", (Index("k2", 3),))
    found.sums["t"] = Total(made_t, sp.E)
    assert found.of(Access("s")) == found.of(Access("t"))
    assert len(made) == 1


def test_two_sums_over_different_indices():
    found, made = peaks(s=(e(z), ()), t=(e(Access("y", j)), ()))
    assert found.of(Access("s") + Access("t")).access == Access("m_s2")
    assert [m.bound for m in made] == [(k,), (j,)]
    assert made[1].body == sp.Max(Access("m_s1"), Access("y", j))


def test_rows_are_those_of_the_reader():
    found, made = peaks(s=(e(Access("z", i, k)), (i,)))
    row = Index("r", 2)
    assert found.of(Access("s", row)).access == Access("m_s1", row)
    assert found.of(e(Access("b", row)) + Access("s", row)).access == Access("m_s2", row)
    assert made[1].indices == (i,)
    assert made[1].body == sp.Max(Access("b", i), Access("z", i, k))


def test_conditions_of_a_sum_do_not_hold_for_what_is_added_to_it():
    found, made = peaks(s=(e(Access("z", i, k)), (i,)))
    below = (sp.Le(k, i),)
    total = found.sums["s"].statement
    found.sums["s"] = Total(replace(total, where=below), sp.E)
    assert found.of(1 + Access("s", i)).access == Access("m_s2", i)
    assert [m.where for m in made] == [below, ()]
    assert made[1].body == sp.Max(0, Access("m_s1", i))


def test_what_has_none():
    found, made = peaks(s=(e(z), ()))
    assert found.of(sp.sqrt(Access("s")) + 1) is None
    assert found.of(Access("s") + e(Access("b", k))) is None  # another one for every entry
    assert made == []
