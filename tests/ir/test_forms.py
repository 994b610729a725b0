import pytest
import sympy as sp

from symbp.ir import Access, Index, forms
from symbp.ir.forms import form_of, stands, unevaluated
from symbp.ir.walk import rebuild
from tests.calls import calls

a, b, c = (Access(n) for n in "abc")
i, j = Index("i", 3), Index("j", 3)


@pytest.mark.parametrize(
    ("function", "operand", "expected"),
    [
        (sp.sin, a * b + sp.Rational(1, 3), True),
        (sp.sin, a - b, True),
        (sp.sin, b - a, False),
        (sp.sin, -a * b, False),
        (sp.sin, a + sp.pi, False),
        (sp.sin, sp.asin(a), False),
        (sp.cos, -a, False),
        (sp.tanh, sp.atanh(a * b), False),
        (sp.log, sp.exp(a * b), False),
        (sp.Abs, a * b, True),
        (sp.Abs, a + b, True),
        (sp.Abs, sp.exp(a) + 1, False),
        (sp.floor, a + 2, False),
        (sp.erf, -a, False),
    ],
)
def test_is_what_sympy_does(function, operand, expected):
    assert (function(operand) == function(operand, evaluate=False)) == expected
    for _ in range(2):  # asked, and remembered
        assert stands(function, operand) == expected


def test_sympy_is_asked_once_for_every_form(monkeypatch):
    forms._STANDS.clear()
    asked = []

    class Counted(sp.sin):
        __module__ = "sympy.test"

        @classmethod
        def eval(cls, arg):
            asked.append(arg)

    for x, y in ((a, b), (b, c), (c, a), (Access("W", i), Access("b", i))):
        assert stands(Counted, x * y + 1)
    assert len(asked) == 2  # entries with an index are another form


def test_order_counts_where_there_are_signs():
    assert form_of(a * b + 1) == form_of(c * a + 1)
    assert form_of(a - b) == form_of(b - c)
    assert form_of(a - b) != form_of(b - a)
    assert stands(sp.sin, a - b)
    assert not stands(sp.sin, b - a)
    assert stands(sp.sin, b - c)


def test_forms_differ_in_numbers_indices_and_repetitions():
    apart = [
        a + 1,
        a + 1.0,
        a + 2,
        a * b,
        a * a,
        a + b,
        Access("a", i) + 1,
        Access("a", j) + 1,
        sp.sin(a) + 1,
    ]
    assert len({form_of(body) for body in apart}) == len(apart)


def test_what_is_large_or_of_the_user_is_not_looked_at():
    class Own(sp.Function):
        pass

    assert form_of(sp.Add(*(Access(f"x{k}") for k in range(100)))) is None
    assert form_of(sp.Symbol("x") + 1) is None
    assert form_of(Access("a", i + 1)) is None
    assert not stands(Own, a * b)


def test_nodes_are_rebuilt_as_sympy_builds_them():
    x, y = a * b, c * c
    for function in (sp.sin, sp.cos, sp.tanh, sp.exp, sp.log, sp.erf, sp.Abs, sp.sign, sp.atan):
        for operand in (b - a, a - b, -a * b, 2 * a + b, x + y, sp.asin(c), sp.pi + b, sp.exp(a), 1 / b):
            node = function(a, evaluate=False)
            assert rebuild(node, (operand,)) == function(operand)


class own(sp.Function):
    """A class of the user's, which may do anything when it is made."""

    def __new__(cls, x, **options):
        return super().__new__(cls, 2 * x, **options)


@pytest.mark.parametrize(
    ("function", "operands"),
    [
        *((sp.sin, (a,)), (sp.exp, (2 * a,)), (sp.log, (sp.Integer(1),)), (sp.erf, (-a,)), (own, (a,))),
        *((sp.Pow, (a, b)), (sp.Max, (b, a)), (sp.atan2, (a, b))),
    ],
)
def test_what_is_built_without_evaluation_is_what_sympy_builds(function, operands):
    made, expected = unevaluated(function, *operands), function(*operands, evaluate=False)
    assert made == expected
    assert type(made) is type(expected)
    assert made.args == expected.args
    assert getattr(made, "nargs", None) == getattr(expected, "nargs", None)
    assert hash(made) == hash(expected)


def test_no_set_is_made_for_every_object():
    unevaluated(sp.sin, a)
    assert calls(lambda: unevaluated(sp.sin, a * b)) < calls(lambda: sp.sin(a * b, evaluate=False)) / 3


def test_the_order_of_names_counts_where_it_is_asked_for():
    assert form_of(a * b + a) == form_of(b * c + b)
    assert form_of(a * b + a, ordered=True) == form_of(b * c + b, ordered=True)
    assert form_of(sp.Tuple(a, b)) == form_of(sp.Tuple(b, a))
    assert form_of(sp.Tuple(a, b), ordered=True) != form_of(sp.Tuple(b, a), ordered=True)


def test_how_large_a_form_may_be():
    long = sp.Add(*(Access(f"x{k}") for k in range(100)))
    assert form_of(long, 200) is not None
