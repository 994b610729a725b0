import numpy as np
import pytest
import sympy as sp

from symbp.errors import UnsupportedError
from symbp.ir import Access, Program, Statement, Tensor, evaluate
from symbp.ir.definition import known
from symbp.ir.walk import postorder
from symbp.passes.define import define
from tests.catalogue import CATALOGUE
from tests.passes.stages import assert_same

x = Access("x")


class Cube(sp.Function):
    """Its derivative is deliberately not that of its formula."""

    def fdiff(self, argindex=1):
        return sp.S.One

    def doit(self, **hints):
        return self.args[0] ** 3


class Twice(sp.Function):
    def doit(self, **hints):
        return 2 * self.args[0]


class Silent(sp.Function):
    pass


def program(body, origin=None):
    return Program(
        {"x": Tensor("x", (), "input"), "y": Tensor("y", ())},
        (Statement("y", (), body, origin=origin),),
        ("y",),
    )


def test_functions_become_their_formulas_also_inside_of_each_other():
    defined = define(program(Cube(Twice(x) + 1) * Cube(x)))
    (body,) = [s.body for s in defined.statements]
    assert all(known(node) or not isinstance(node, sp.Function) for node in postorder([body]))
    assert evaluate(defined, {"x": 2.0})["y"] == 5**3 * 2**3


def test_what_is_known_is_left_as_it_is():
    body = sp.sin(x) + sp.Max(x, 0)
    assert define(program(body)).statements[0].body is body


def test_a_function_without_value_is_named_with_its_equation():
    with pytest.raises(UnsupportedError, match="Silent") as caught:
        define(program(1 + Silent(x), origin="y = 1 + Silent(x)"))
    assert caught.value.equation == "y = 1 + Silent(x)"


@pytest.mark.parametrize("name", CATALOGUE)
def test_meaning_is_kept(name):
    backward = CATALOGUE[name].derivation.backward_program
    assert_same(name, backward, define(backward))


def test_the_derivative_a_class_gives_itself_is_the_one_used():
    import symbp as sb

    t, E = sp.Symbol("t"), sp.Symbol("E")
    derivation = sb.derive(sb.Network([sp.Eq(E, Cube(t))], inputs=[t], loss=E, batch=False), wrt=[t])
    found = evaluate(derivation.backward_program, {"t": np.array(2.0)})
    assert found["E"] == 8
    assert found[derivation.gradients["t"]] == 1


class Scaled(sp.Function):
    """3 sigmoid(x), whose derivative it knows only through itself."""

    def fdiff(self, argindex=1):
        return self * (1 - self / 3)

    def _eval_rewrite_as_exp(self, x, **_):
        return 3 / (1 + sp.exp(-x))


@pytest.mark.parametrize("formula", [Scaled, lambda t: Scaled(2 * t) ** 2, lambda t: t * Scaled(t)])
def test_a_derivative_through_the_function_itself(formula):
    """Its value is held in one case, and is a part of the body in the others."""
    import symbp as sb

    w, q, a, E = sp.symbols("w q a E")
    net = sb.Network(
        [sp.Eq(q, w * w), sp.Eq(a, formula(q)), sp.Eq(E, a**2)], parameters=[w], loss=E, batch=False
    )
    derivation = sb.derive(net)
    found = evaluate(derivation.backward_program, {"w": np.array(0.7)})
    written = formula(w**2).replace(Scaled, lambda x: 3 / (1 + sp.exp(-x)))
    want = (written**2).diff(w).subs(w, sp.Rational(7, 10))
    assert found[derivation.gradients["w"]] == pytest.approx(float(want), rel=1e-14)
    assert derivation.cost.transcendental("backward") == 0
