"""Intrinsics of Numba are lowered as they are."""

import math

import numpy as np
import pytest

from symbp.machine.values import NotCovered
from tests.machine.texts import machine, same

HEAD = """
from llvmlite import ir
from numba import types
from numba.core.typing import signature
from numba.extending import intrinsic

@intrinsic
def twice(typingctx, a):
    def lower(context, builder, sig, args):
        return builder.fadd(args[0], args[0])
    return a(a), lower

@intrinsic
def pair(typingctx, arrays, at, b):
    kind = types.UniTuple(types.float64, 2)
    def lower(context, builder, sig, args):
        given = [
            context.make_array(t)(context, builder, builder.extract_value(args[0], k))
            for k, t in enumerate(sig.args[0])
        ]
        index = context.cast(builder, args[1], sig.args[1], types.int64)
        values = [builder.load(builder.gep(g.data, [index])) for g in given]
        values[1] = builder.fadd(values[1], args[2])
        return context.make_tuple(builder, kind, values)
    return kind(arrays, types.intp, types.float64), lower

@intrinsic
def root(typingctx, a):
    def lower(context, builder, sig, args):
        found = context.get_function(FUNCTION, signature(a, a))
        return found(builder, args)
    return a(a), lower
"""


def text(body, function="math.sqrt"):
    return HEAD + f'FUNCTION = {function}\n\n@njit(error_model="numpy")\ndef run(x, out):\n    {body}\n'


@pytest.mark.parametrize(
    "body",
    [
        "out[0] = twice(x[1])",
        "out[0] = pair((x, out), 1, 3)[0] + pair((x, out), 1, 2.5)[1]",
        "out[0] = root(x[1])",
    ],
)
def test_intrinsics(body):
    same(text(body), np.array([2.0, 9.0]), np.array([1.0, 5.0]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["sqrt", "exp", "atan", "lgamma", "gamma", "asinh", "log1p", "sin"])
def test_functions_of_the_library(name, dtype):
    given = text("out[0] = root(x[1])", f"math.{name}")
    x, out = np.array([2.0, 0.7], dtype), np.zeros(1, dtype)
    machine(given, kinds=[(dtype, 1), (dtype, 1)])(x, out)
    assert out[0] == pytest.approx(getattr(math, name)(float(x[1])), rel=float(4 * np.finfo(dtype).eps))


def test_functions_that_are_not_known():
    with pytest.raises(NotCovered, match="degrees"):
        machine(text("out[0] = root(x[1])", "math.degrees"))
