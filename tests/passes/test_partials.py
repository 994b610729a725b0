import numpy as np
import pytest
import sympy as sp

from symbp.errors import UnsupportedError
from symbp.ir import Access
from symbp.ir.evaluate import evaluate_body
from symbp.ir.walk import operations
from symbp.passes import partials as module
from symbp.passes.partials import partials, times

x, y, z = (Access(n) for n in "xyz")
POINT = {"x": np.array([0.7, 1.3]), "y": np.array([0.4, 1.9]), "z": np.array([0.6, 0.9])}

BODIES = [
    x + 2 * y, x * y * z, x / y, x**3 * y**-2, sp.sqrt(x * y), x**y, y ** sp.Rational(2, 3),
    sp.exp(x) * sp.log(y), sp.sin(x) * sp.sin(x * y), sp.atan2(x, y), sp.Max(x, y, z), sp.Min(x, 1) * z,
    sp.Abs(x - y), sp.Piecewise((x * y, x > 1), (z, True)), sp.floor(3 * x) * y, sp.loggamma(x + y),
    sp.polygamma(1, x), sp.gamma(x) * y, sp.erf(x) + sp.erfc(y),
    sp.Piecewise((sp.sin(x), y < 1), (sp.exp(x * z), z < 2), (0, True)) * x,
    sp.Max(y**2, sp.Piecewise((x + z, x < 1), (x**2, True))),
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_partials_equal_the_complex_step(body):
    for access, slope in partials(body).items():
        moved = {**POINT, access.name: POINT[access.name] + 1e-30j}
        step = np.imag(evaluate_body(body, moved, np.complex128)) / 1e-30
        got = np.broadcast_to(evaluate_body(slope, POINT), (2,))
        np.testing.assert_allclose(got, np.broadcast_to(step, (2,)), rtol=1e-12, atol=1e-14)


def test_what_has_no_slope_is_left_out_and_the_rest_comes_in_order_of_use():
    assert set(partials(x + y * z + x * z)) == {x, y, z}
    assert partials(sp.floor(x)) == {}
    assert partials(x) == {x: 1}


def test_conventions_at_kinks():
    assert evaluate_body(partials(sp.Abs(x))[x], {"x": np.array([0.0])}) == 0
    at = {"x": np.array([1.0]), "y": np.array([1.0])}
    slopes = [np.sum(evaluate_body(p, at)) for p in partials(sp.Max(x, y)).values()]
    assert sorted(slopes) == [0, 1]


def test_a_factor_moves_into_the_branches():
    product = times(sp.exp(y), sp.Piecewise((1 / x, x > 0), (0, True)))
    with np.errstate(all="ignore"):
        assert evaluate_body(product, {"x": np.array([-1.0]), "y": np.array([1000.0])}) == 0


def test_shared_nodes_are_visited_once():
    assert operations(partials(sp.sin(sp.exp(x)) * sp.exp(x))[x]) < 12


def test_outside_of_all_branches_value_and_slope_are_nan():
    outside, inside = (
        {"x": np.array([2.0]), "y": np.array([3.0])},
        {"x": np.array([-2.0]), "y": np.array([3.0])},
    )
    for body, slopes in (
        (sp.Piecewise((x * y, x < 0)), {x: 3, y: -2}),
        (sp.Piecewise((5, x < 0)), {x: 0}),
        (sp.Piecewise((y, x < 0), (x, sp.And(x > 3, x < 4))), {y: 1, x: 0}),
    ):
        found = partials(body)
        assert {a: evaluate_body(p, inside)[0] for a, p in found.items()} == slopes
        for part in (body, *found.values()):
            assert np.isnan(evaluate_body(part, outside)[0])


def test_choices_that_leave_nothing_out_have_no_slope_in_their_conditions():
    assert partials(sp.Piecewise((1, x < 0), (2, x >= 0))) == {}
    assert partials(
        sp.Piecewise((y, x < 0), (1, sp.Or(x > 1, sp.And(x >= 0, x <= 1))), (2, True))
    ).keys() == {y}


class Jump(sp.Function):
    def fdiff(self, argindex=1):
        return sp.DiracDelta(self.args[0]) + 1


def test_a_jump_has_no_slope():
    assert partials(Jump(x)) == {x: 1}


class NoSlope(sp.Function):
    pass


def test_a_function_without_derivative_is_named():
    with pytest.raises(UnsupportedError, match="NoSlope"):
        partials(NoSlope(x))


def test_every_equation_that_asks_in_vain_is_named():
    for equation in ("E = NoSlope(x)", "F = NoSlope(x)"):
        with pytest.raises(UnsupportedError) as caught:
            partials(NoSlope(x), equation)
        assert caught.value.equation == equation


class Counted(sp.Function):
    asked = 0

    def fdiff(self, argindex=1):
        type(self).asked += 1
        return sp.cos(self.args[0])


def test_a_class_is_asked_once_for_its_derivative_at_an_entry():
    entries = [Access(f"c{k}") for k in range(20)]
    for entry in entries:
        assert partials(Counted(entry)) == {entry: sp.cos(entry)}
    assert Counted.asked == 1
    assert partials(Counted(2 * x)) == {x: 2 * sp.cos(2 * x)}


def test_the_derivative_at_an_entry_is_that_at_what_sympy_leaves_alone(monkeypatch):
    x, y, z = (Access(n) for n in "xyz")
    functions = (sp.sin, sp.cos, sp.tanh, sp.log, sp.erf, sp.atan, sp.gamma, sp.loggamma, sp.asinh)
    asked = []
    original = module._asked
    monkeypatch.setattr(module, "_asked", lambda node, k: asked.append(node) or original(node, k))
    for function in functions:
        for operand in (x * y + 1, x - 2 * y, sp.exp(x) * z, x**2 + z):
            assert module._local(function(operand), 0) == original(function(operand), 0)
    assert not [node for node in asked if node.args[0] in (x * y + 1, x - 2 * y)]


def test_what_is_returned_belongs_to_the_caller():
    partials(sp.sin(x)).clear()
    assert partials(sp.sin(x)) == {x: sp.cos(x)}


def test_whole_numbers_are_written_without_a_point():
    assert partials(0.5 * x**2)[x] == x
    assert partials(1.5 * x**2)[x] == 3 * x
    assert partials(0.1 * x**2)[x] == 0.2 * x
