from math import inf

import pytest
import sympy as sp
from sympy.polys.fields import FracField
from sympy.polys.orderings import lex

from symbp.ir import Access
from symbp.ir.walk import operations
from symbp.passes.simplify import candidates as module
from symbp.passes.simplify.candidates import _calls, _powers, candidates

x, y, z, a, s, m, total = map(Access, ("x", "y", "z", "a", "s", "m", "total"))
e = sp.exp


def found(body, held, wanted):
    return any(sp.expand(form - wanted) == 0 for form in candidates(body, held))


def test_a_held_value_eliminates_an_exponential():
    assert found(e(-x) / (1 + e(-x)) ** 2, {a: 1 / (1 + e(-x))}, a - a**2)
    assert found(-2 * x * e(-(x**2)), {a: e(-(x**2))}, -2 * x * a)
    assert found(e(x) / 3, {a: e(x) - 1}, (a + 1) / 3)


def test_powers_of_an_exponential_are_eliminated_together():
    tanh = (e(x) - e(-x)) / (e(x) + e(-x))
    assert found(sp.diff(tanh.subs(x, sp.Symbol("x"))).subs(sp.Symbol("x"), x), {a: tanh}, 1 - a**2)


def test_a_softmax_eliminates_what_it_is_made_of():
    assert found(e(z - m) * total / s - y, {a: e(z - m) / s}, a * total - y)


def test_a_variable_is_eliminated_where_there_is_no_exponential():
    assert found(-1 / x**2, {a: 1 / x}, -(a**2))


def test_constants_are_eliminated_where_no_entry_can_be():
    forms = list(candidates(sp.sqrt(2) * e(2 * z) * x, {a: sp.sqrt(2) * e(z)}))
    assert any(a in form.atoms(Access) for form in forms)
    assert not any({a, z} <= form.atoms(Access) for form in forms)
    whole = sp.sqrt(2) * (e(2 * z) + e(z))
    assert found(whole * x, {a: whole}, a * x)


def test_an_odd_function_is_searched_through_its_size():
    assert found(1 / (1 + sp.Abs(x)) ** 2, {a: x / (1 + sp.Abs(x))}, sp.expand((1 - sp.Abs(a)) ** 2))


def test_common_factors_cancel_without_a_held_value():
    p = Access("p")
    assert found(((1 - y) / (1 - p) - y / p) * p * (1 - p), {}, p - y)


def test_powers_of_roots_cancel_over_one_line():
    r = sp.sqrt(1 + x**2)
    assert 1 / r**3 in candidates(1 / r - x**2 / r**3, {})
    cube = (y + x) ** sp.Rational(1, 3)
    assert cube**-4 * y in candidates(1 / cube - x / cube**4, {})
    root, other = sp.sqrt(x), sp.sqrt(1 + y**2)
    assert 1 / (root * other**3) in candidates((1 / other - y**2 / other**3) / root, {})


def test_exponentials_go_below_the_line():
    forms = list(candidates(e(x) / (1 + e(x)), {}))
    assert 1 / (1 + e(-x)) in forms


def test_hyperbolic_functions_meet_exponentials():
    assert found(1 / (1 + e(-x)) - y, {a: (1 + sp.tanh(x / 2)) / 2}, a - y)
    assert found(sp.tanh(x) - (e(2 * x) - 1) / (e(2 * x) + 1), {}, 0)


def test_fractions_are_split_in_the_exponential_and_in_its_inverse():
    forms = list(candidates(e(x) / (1 + e(x)) - y, {}))
    assert 1 / (1 + e(-x)) - y in forms
    assert 1 - y - 1 / (1 + e(x)) in forms


def test_what_cannot_be_expanded_has_no_candidates():
    assert list(candidates((1 + x) ** 1000, {})) == []


def gaussian_share(count):
    """(body, held) of exp(x0)/sum_k c exp(x_k) - x_1 with all terms of the sum held, c = sqrt(2)/sqrt(pi)."""
    c = sp.sqrt(2) / sp.sqrt(sp.pi)
    terms = [c * e(Access(f"x{k}")) for k in range(count)]
    held = {Access(f"t{k}"): term for k, term in enumerate(terms)}
    return terms[0] / sp.Add(*terms) - Access("x1"), held


@pytest.mark.parametrize("most", [2, 4, 6, 9])
def test_forms_with_more_operations_than_wanted_are_not_written_and_no_others_are_missed(most):
    for body, held in (
        gaussian_share(4),
        (e(-x) / (1 + e(-x)) ** 2, {a: 1 / (1 + e(-x))}),
        ((e(x) + y * z + y) / (e(x) + s * m + z) - 1 / (e(x) + s), {a: 1 / (e(x) + s)}),
    ):
        whole, few = list(candidates(body, held)), list(candidates(body, held, most))
        assert [f for f in whole if operations(f) <= most] == [f for f in few if operations(f) <= most]
    assert len(few) < len(whole)


def test_constants_under_a_root_are_no_powers_whose_derivative_is_looked_for():
    assert not list(_powers(*gaussian_share(3), inf))
    assert a / (2 * x) in list(_powers(1 / (2 * sp.sqrt(x)), {a: sp.sqrt(x)}, inf))


def test_elimination_gives_quotients_in_lowest_terms():
    # x^3 of 1/(x^3 + y) = a is (1 - a y)/a, in the numerator and the denominator.
    forms = list(candidates(x**6 / (x**3 - y) ** 2, {a: 1 / (x**3 + y)}))
    assert (a * y - 1) ** 2 / (2 * a * y - 1) ** 2 in forms


def test_the_terms_of_a_sum_each_by_itself():
    z, p, y = Access("z"), Access("p"), Access("y")
    body = p**2 * (1 - y) * sp.exp(z) / (1 + sp.exp(z)) - y * (1 - p) ** 2 * sp.exp(-z) / (1 + sp.exp(-z))
    forms = list(candidates(body, {p: 1 / (1 + sp.exp(-z))}))
    assert any(len(sp.Add.make_args(f)) == 2 and not f.has(sp.exp) for f in forms), forms


def test_what_reads_more_entries_than_operations_can_join_is_not_written(monkeypatch):
    body, held = x * s * total * e(y), {a: e(y)}
    written = []
    original = module._written
    monkeypatch.setattr(module, "_written", lambda q, *rest: written.append(q) or original(q, *rest))
    assert a * x * s * total in list(candidates(body, held, 3))
    assert written
    written.clear()
    assert not list(candidates(body, held, 2))
    assert not written


def test_entries_that_a_quotient_reads_at_least():
    ring, p, q, t, u = sp.ring("p q t u", sp.QQ)
    meaning = dict(zip(ring.symbols, (x, y, e(x - z), e(z + m)), strict=True))

    def reads(above, below):
        return module._reads(above, below, meaning)

    assert reads(p * t, q + t) == 2  # t may cancel
    assert reads(p * t, q + t**2) == 2  # z may cancel: exp(x - z) exp(z + m) is exp(x + m)
    assert reads(p * u, q + t**2) == 3
    assert reads(ring.zero, q) == 0


def test_exponentials_that_a_quotient_calls_at_least():
    t, s, both = (sp.Symbol(name, real=True) for name in ("t", "s", "both"))
    u, v, w = (Access(name) for name in "uvw")
    meaning = {t: sp.exp(u), s: sp.exp(v - u), both: sp.exp(v + w)}
    field = FracField((t, s, both), sp.QQ, lex)
    T, S, B = field.gens
    one = field(1)
    assert [_calls(q, meaning) for q in (1 + T + S, T * S / (1 + T * S), T / S, one, field(0))] == [
        2,
        1,
        1,
        0,
        0,
    ]
    assert _calls((1 + T + S) / (B + T * S), meaning) == 3
    assert _calls(1 + T + T * S + B, meaning | {both: sp.exp(v)}) == 0  # exp(u) exp(v - u) is exp(v)


@pytest.mark.parametrize("most", range(14))
def test_no_form_is_missed_that_calls_few_exponentials(most, monkeypatch):
    u, v, w, a = (Access(name) for name in ("u", "v", "w", "a"))
    body = sp.exp(u) * w / (sp.exp(u) + sp.exp(v) + sp.exp(w - u))
    held = {a: sp.exp(u) / (1 + sp.exp(u))}
    short = {f for f in candidates(body, held, most) if operations(f) <= most}
    with monkeypatch.context() as patch:
        patch.setattr(module, "_calls", lambda *_: 0)
        assert short == {f for f in candidates(body, held, most) if operations(f) <= most}


def test_a_sum_with_a_long_term_is_given_up(monkeypatch):
    u, v, w, a = (Access(name) for name in ("u", "v", "w", "a"))
    asked = []
    rational_forms = module._rational_forms
    monkeypatch.setattr(
        module, "_rational_forms", lambda *args: asked.append(args[0]) or rational_forms(*args)
    )
    long = sp.exp(v) * sp.sin(u) * sp.sin(v) * sp.sin(w) * sp.cos(u) * sp.cos(v)
    assert not [*module._term_by_term(sp.exp(u) + long, {a: sp.exp(u)}, 6)]
    assert asked == [long]
    assert [*module._term_by_term(sp.exp(u) + long, {a: sp.exp(u)}, 99)] == [a + long]
