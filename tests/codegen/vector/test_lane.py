"""How functions over lanes reach the code around them."""

import math

import mpmath
import numpy as np
import pytest
from llvmlite import ir
from numba import float32, float64, njit

from symbp.codegen.vector import BODIES
from symbp.codegen.vector.lane import Lane, lanewise
from tests.codegen.vector import loops
from tests.codegen.vector.loops import PRECISIONS, assert_vectorised, exact_errors


def test_the_precision_follows_the_arguments():
    exp, power = lanewise(BODIES["exp"]), lanewise(BODIES["power"], 2)
    both = njit(lambda x, y: (exp(x), power(x, y)))
    assert both.compile((float32, float32))
    assert both.nopython_signatures[-1].return_type[1] == float32
    mixed = both(np.float32(2), 3)
    assert mixed == (pytest.approx(math.exp(2)), 8.0)
    assert both.nopython_signatures[-1].return_type[1] == float64


def test_operations_that_the_code_around_may_reorder_stay_in_order():
    """Reassociated, 1 + x - 1 is x: log1p would lose what 1 + x rounds off."""
    x = np.random.default_rng(0).uniform(0, 1e-3, 1000)
    assert "reassoc" in loops.FLAGS
    assert exact_errors(loops.values("log1p", x), lambda v: mpmath.log(1 + v), x).max() < 1


def test_a_call_into_libm_is_noticed(monkeypatch):
    """The check of the assembly can fail."""
    monkeypatch.setitem(BODIES, "exp", lambda x: x)

    @njit(error_model="numpy")
    def scalar(x, out):
        for i in range(x.size):
            out[i] = math.exp(x[i])

    scalar.compile((float64[::1], float64[::1]))
    monkeypatch.setattr(loops, "loop", lambda *_: scalar)
    with pytest.raises(AssertionError):
        assert_vectorised("exp", np.float64)


@pytest.mark.parametrize("dtype", PRECISIONS)
def test_polynomials_take_the_highest_power_first(dtype):
    for count in (1, 2, 3, 4, 5, 6, 9):
        coefficients = [float(k + 1) for k in range(count)]
        evaluate = lanewise(lambda x, c=tuple(coefficients): x.polynomial(c))
        run = njit(lambda x, f=evaluate: f(x))
        assert run(dtype(0.5)) == np.polyval(coefficients, 0.5)


def test_integers_and_truth_values():
    function = ir.Function(ir.Module(), ir.FunctionType(ir.DoubleType(), [ir.DoubleType()]), "f")
    x = Lane(ir.IRBuilder(function.append_basic_block()), function.args[0])
    whole, integer = x.nearest(2.0)
    assert whole.is_float()
    assert not integer.is_float()
    assert integer.value.type == ir.IntType(64)
    assert (integer < 3).value.type == ir.IntType(1)
    assert "ashr" in str((integer >> 1).value)
    assert "icmp slt" in str((integer < 3).value)
    assert "fcmp une" in str(x.differs(x).value)
