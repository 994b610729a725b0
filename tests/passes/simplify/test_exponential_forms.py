import pytest
import sympy as sp

from symbp.ir import Access
from symbp.passes.cost import cost
from symbp.passes.simplify.exponential_forms import Quotient, X, forms, quotient, split_by_sign
from symbp.passes.simplify.verify import verified
from tests.passes.simplify.judge import worst

e = sp.exp
RATIONAL = [
    1 / (1 + e(-X)),
    e(X) / (1 + e(X)),
    (1 + sp.tanh(X / 2)) / 2,
    sp.tanh(X),
    1 - sp.tanh(X) ** 2,
    e(X) - 1,
    1 - e(-3 * X),
    sp.sinh(X) / 2,
    1 / (e(X) - 1),
    e(X) / (e(X) - 1) ** 2,
    1 / (2 + e(X)),
    1 / (e(2 * X) + e(X) + 3),
    1 / sp.cosh(X / 2),
]


@pytest.mark.parametrize("body", RATIONAL, ids=str)
def test_all_forms_are_equal_to_the_body(body):
    for _, form in forms(quotient(body)):
        assert verified(body, form) is not None


@pytest.mark.parametrize("body", RATIONAL, ids=str)
def test_the_split_form_is_accurate_everywhere(body):
    assert worst(split_by_sign(quotient(body)), body) <= 16


def test_a_mere_exponential_takes_no_polynomials(monkeypatch):
    def cancelled(*_):
        raise AssertionError("polynomials were made")

    monkeypatch.setattr("symbp.passes.simplify.exponential_forms.cancelled", cancelled)
    unit = sp.Rational(217, 1000)
    assert quotient(e(unit * X)) == Quotient(unit, sp.S.One, 1, ())
    assert quotient(e(-unit * X)) == Quotient(unit, sp.S.One, -1, ())
    assert quotient(e(unit * Access("other"))) is None


def test_spellings_of_one_function_are_one_quotient():
    spelled = [
        1 / (1 + e(-X)),
        sp.Float(1) / (sp.Float(1) + e(-X)),
        e(X) / (1 + e(X)),
        1 - 1 / (1 + e(X)),
        (1 + sp.tanh(X / 2)) / 2,
    ]
    assert len({quotient(body) for body in spelled}) == 1
    tanh = [sp.tanh(X), (e(X) - e(-X)) / (e(X) + e(-X)), sp.sinh(X) / sp.cosh(X), 2 / (1 + e(-2 * X)) - 1]
    assert len({quotient(body) for body in tanh}) == 1


def test_one_exponential_is_enough():
    form = split_by_sign(quotient(e(X) / (1 + e(X)) ** 2))
    assert len(form.atoms(sp.exp)) == 1
    assert cost(form) < cost(1 / (2 + e(X) + e(-X)))


@pytest.mark.parametrize(
    "body",
    [X * e(X), e(X**2), e(X) + Access("y"), sp.sqrt(e(X)) + sp.pi, X, sp.S.One, (1 + e(X)) ** 13],
    ids=str,
)
def test_other_bodies_are_refused(body):
    assert quotient(body) is None


@pytest.mark.parametrize("factor", [1, -1, 2, sp.Rational(-2, 3), 0.5, -0.593, 1e-300, 1e300])
def test_a_mere_exponential_is_what_the_general_way_makes_of_it(factor):
    body = sp.exp(factor * X)
    general = quotient.__wrapped__(sp.Mul(body, 1, evaluate=False))
    assert quotient(body) == general
