import pytest
import sympy as sp

from symbp.ir import Access, Index
from symbp.ir.walk import operations
from symbp.passes.cost import cost
from symbp.passes.simplify import cheapest as module
from symbp.passes.simplify.cheapest import LOSS, Problem, cheapest, long_exponents

i, j = Index("i", 4), Index("j", 4)
e = sp.exp


def sigma(x):
    return 1 / (1 + e(-x))


def slope(x):
    return e(-x) / (1 + e(-x)) ** 2


def solved(body, held, lossy=True, price=None):
    price = cost(body) if price is None else price
    return cheapest(Problem(body, tuple(held.items()), lossy, price, operations(body)))


def test_the_answer_speaks_of_the_tensors_that_were_asked_about():
    z, a = Access("z", i), Access("a", i)
    found = solved(slope(z), {a: sigma(z)})
    assert sp.expand(found.form - a + a**2) == 0
    assert found.verified == "symbolically"
    assert found.loss == LOSS


def test_names_do_not_matter():
    one = solved(slope(Access("z", i)), {Access("a", i): sigma(Access("z", i))})
    two = solved(slope(Access("q", j)), {Access("h", j): sigma(Access("q", j))})
    assert two.form == one.form.xreplace({Access("a", i): Access("h", j)})


def test_what_looks_like_a_solved_problem_is_not_renamed(monkeypatch):
    x, y, z, a, b, c = (Access(n) for n in "xyzabc")
    first = solved(y * e(-x * y) / (1 + e(-x * y)) ** 2, {a: sigma(x * y)})
    assert cost(first.form) < 10

    def asked(_):
        raise AssertionError("it was solved again")

    monkeypatch.setattr(module, "_solved", asked)
    again = solved(c * e(-b * c) / (1 + e(-b * c)) ** 2, {z: sigma(b * c)})
    assert again.form == first.form.xreplace({x: b, y: c, a: z})
    with pytest.raises(AssertionError, match="solved again"):  # b b is not x y
        solved(b * e(-b * b) / (1 + e(-b * b)) ** 2, {z: sigma(b * b)})
    with pytest.raises(AssertionError, match="solved again"):
        solved(c * e(-b * c) / (1 + e(-b * c)) ** 2, {z: sigma(b * c)}, lossy=False)


def test_no_form_divides_by_what_may_be_zero():
    x, a = Access("x"), Access("a")
    silu = x * sigma(x)
    found = solved(sigma(x) + x * slope(x), {a: silu})
    assert found is None or not any(
        f.is_Pow and f.exp.is_negative and f.base == x for f in sp.preorder_traversal(found.form)
    )


def test_nothing_dearer_is_an_answer():
    x, y = Access("x"), Access("y")
    assert solved(x + y, {}) is None
    assert solved(1 - sp.tanh(x) ** 2, {Access("a"): sp.tanh(x)}, price=0) is None


def test_relative_accuracy_is_kept_on_request():
    x, a = Access("x"), Access("a")
    found = solved(slope(x), {a: sigma(x)}, lossy=False)
    assert found is None or not found.loss


def test_among_forms_of_one_cost_the_shortest_wins():
    z, y = Access("z"), Access("y")
    assert solved((e(z) * (1 - y) - y) / (1 + e(z)), {}).form == 1 / (1 + e(-z)) - y


def test_numbers_with_a_point_are_numbers():
    """0.85795 = 1.7159/2 would be a symbol of its own to polynomials."""
    z, a = Access("z"), Access("a")
    lecun = 1.7159 * (e(z / 2) - e(-z / 2)) / (e(z / 2) + e(-z / 2))
    found = solved(4 * 0.85795 * e(z) / (1 + e(z)) ** 2, {a: lecun})
    constant, slope = found.form.as_poly(a).nth(0), found.form.as_poly(a).nth(2)
    assert float(constant) == 0.85795
    assert float(slope) == float(-1 / (2 * sp.Rational(1.7159)))
    assert found.verified == "symbolically"


def test_an_exponent_of_several_entries_is_one_variable():
    """Two entries, not four: softmax of masked values is no harder than softmax."""
    z, c, p = Access("z", i), Access("c", i), Access("p", i)
    m, s, t, q = Access("m"), Access("s"), Access("t"), Access("q", i)
    exponential = e(z + c - m)
    found = solved((q - t) * exponential / s, {p: exponential / s})
    assert sp.expand(found.form - p * (q - t)) == 0
    assert long_exponents(exponential, e(2 * z)) == {}
    assert long_exponents(m * exponential) == {}
    assert set(long_exponents(exponential * s)) == {z + c - m}


def test_products_of_two_variables_are_measured_where_their_exponential_is_small():
    """At x y = -80 nothing is left of exp(x y) in 1 - exp(x y)."""
    x, y, v = Access("x"), Access("y"), Access("v")
    held = {v: (1 - e(x * y)) * (2 - x)}
    assert solved((x - 2) * e(x * y) * x, held, lossy=False) is None


def test_the_order_of_what_is_held_makes_no_other_problem(monkeypatch):
    solutions = []
    monkeypatch.setattr(module, "_solved", lambda problem: solutions.append(problem))
    monkeypatch.setattr(module, "_KNOWN", {})
    x, y, a, b = (Access(n, i) for n in "xyab")
    held = {a: e(x), b: e(y)}
    for order in (held, dict([*held.items()][::-1])):
        solved(e(x) * x / (e(x) + e(y)), order)
    assert len(set(solutions)) == 1


def test_what_accuracy_needs_is_told():
    """(1 - y)/(1 - p) is inf or nan where p rounds to 1; sigma' loses nothing of its largest value."""
    x, y, p = Access("x"), Access("y"), Access("p")
    lost = solved(p * (1 - p) * ((1 - y) / (1 - p) - y / p), {p: sigma(x)})
    assert lost.form == p - y
    assert lost.required
    assert not solved(slope(x), {p: sigma(x)}).required


def test_forms_that_take_operations_where_the_body_would_share_them():
    x, a = Access("x"), Access("a")
    inverse = solved(-1 / x**2, {a: 1 / x})
    assert inverse.form == -(a**2)
    assert not inverse.shares
    # Beside log(1 + exp(-x)), 1/(1 + exp(-x)) is one operation.
    body, held = x * e(-x) + 1 / (1 + e(-x)), {a: sp.log(1 + e(-x))}
    assert operations(body) == 6
    assert module._operations_beside(body, held) == 3


def test_a_body_without_candidates_is_not_judged(monkeypatch):
    z, a = Access("z"), Access("a")
    judged = []
    plain = module.stable_body
    monkeypatch.setattr(module, "stable_body", lambda body: judged.append(body) or plain(body))
    monkeypatch.setattr(module, "_KNOWN", {})
    module._solved.cache_clear()
    assert solved(slope(z), {a: sigma(z)}) is not None
    assert judged
    judged.clear()
    monkeypatch.setattr(module, "_KNOWN", {})
    monkeypatch.setattr(module, "candidates", lambda *_: iter(()))
    module._solved.cache_clear()
    assert solved(slope(z), {a: sigma(z)}) is None
    assert judged == []
    module._solved.cache_clear()


@pytest.mark.parametrize(("body", "form"), [(3 * e(Access("z")), 1), (-3 * e(Access("z")), -1)])
def test_a_value_that_is_held_as_it_is_needs_no_search(body, form, monkeypatch):
    module._KNOWN.clear()
    module._solved.cache_clear()
    monkeypatch.setattr(module, "candidates", None)
    a = Access("a")
    found = solved(body, {a: 3 * e(Access("z"))}, lossy=False)
    assert found.form == form * a
    assert (found.verified, found.loss, found.required, found.shares) == ("symbolically", "", False, False)


def test_what_costs_nothing_is_not_read_instead():
    a, z = Access("a"), Access("z")
    assert solved(z, {a: z}, price=0) is None
