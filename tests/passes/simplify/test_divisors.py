import pytest
import sympy as sp

from symbp.ir import Access
from symbp.passes.simplify.divisors import divides_by_no_other
from tests.calls import calls

x, y, s = Access("x"), Access("y"), Access("s")
e = sp.exp


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (x * y, x + y),
        (y / x, 1 / x),
        (y / x, 1 / (x * s)),
        (1 / (x - 1), 1 / (x**2 - 1)),
        (1 / (x**2 - 1), 1 / ((x - 1) * (x + 1))),
        (1 / (x - y) ** 2, 1 / (y - x)),
        (1 / (1 + e(x)), e(x)),
        (1 / (e(x) + e(y) + 2), x),
        (1 / (1 + x**2 * e(y)), x),
        (e(-x) / (1 - e(-x)), 1 / (1 - e(x))),
        (1 / (s * e(x) + s * e(y)), 1 / s),
        (1 / (1 + 1 / x), 1 / (x * (x + 1))),
    ],
)
def test_of_what_a_form_may_divide_by(form, body):
    assert divides_by_no_other(form, body, {})


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (y / x, x * y),
        (1 / x**2, e(x)),
        (1 / (1 - e(x)), 1 / (1 + e(x))),
        (1 / (x + 1), 1 / x),
        (1 / (x**2 + y**2), x),
        (1 / (x**2 - 1), 1 / (x - 1)),
        (1 / (1 + 1 / x), 1 / x),
        (1 / (1 + x * e(y)), x),
    ],
)
def test_of_what_it_may_not(form, body):
    assert not divides_by_no_other(form, body, {})


def test_many_variables_are_not_factored():
    def work(count):
        v = [Access(f"v{k}") for k in range(2 * count)]
        first, second = sp.Add(*map(e, v[:count])), sp.Add(*v[count:])
        body = v[0] / (first * second)
        form = v[1] / sp.expand(first * second)
        assert divides_by_no_other(form, body, {})

    work(2)
    assert calls(lambda: work(7)) < 20 * calls(lambda: work(3))


def test_what_is_held_does_not_cancel():
    a = Access("a")
    assert not divides_by_no_other(a / x, 4 * x**3, {a: x**4})
    assert divides_by_no_other(1 / (2 * a), 1 / (2 * sp.sqrt(x)), {a: sp.sqrt(x)})
    assert not divides_by_no_other(x / a, y, {a: x**4})
    assert divides_by_no_other(x / a, y, {a: 1 + e(x)})
