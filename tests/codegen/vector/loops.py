"""Loops over the functions of generated modules, and their errors in units in the last place."""

from __future__ import annotations

import ctypes
import platform
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import llvmlite.binding as llvm
import mpmath
import numpy as np
from llvmlite import ir
from numba import njit, types

from symbp.codegen.registers import VECTOR_BYTES, steps
from symbp.codegen.vector import BODIES
from symbp.codegen.vector.lane import Lane
from symbp.codegen.vector.sources import arity
from symbp.machine.compile import Loaded, machine_code
from symbp.machine.host import triple
from tests.codegen.under_numba import under_numba

lanewise = under_numba("symbp.codegen.vector.lane").lanewise

PRECISIONS = (np.float32, np.float64)
FLAGS = {"reassoc", "contract"}
"""What generated nests allow for their sums, and what must not reach the functions."""


@cache
def loop(name: str, dtype: type) -> Any:
    """out[i] = f(x[i], ...), compiled for contiguous arrays of a precision."""
    count = arity(name)
    function = lanewise(BODIES[name], count)
    if count == 1:

        @njit(error_model="numpy", fastmath=FLAGS)
        def run(x, out):
            for i in range(x.size):
                out[i] = function(x[i])

    else:

        @njit(error_model="numpy", fastmath=FLAGS)
        def run(x, y, out):
            for i in range(x.size):
                out[i] = function(x[i], y[i])

    kind = types.float32 if dtype == np.float32 else types.float64
    run.compile((kind[::1],) * (count + 1))
    return run


def values(name: str, *args: np.ndarray) -> np.ndarray:
    out = np.empty_like(args[0])
    loop(name, args[0].dtype.type)(*args, out)
    return out


@cache
def vectors(name: str, dtype: type) -> tuple[Any, int]:
    """(x, out, numbers): out[i] = f(x[i]) for whole registers, and the numbers that one holds."""
    module, index = ir.Module(), ir.IntType(64)
    module.triple = triple()
    real = ir.FloatType() if dtype == np.float32 else ir.DoubleType()
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize
    pointer = ir.VectorType(real, lanes).as_pointer()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [pointer, pointer, index]), "run")
    builder = ir.IRBuilder(function.append_basic_block())
    x, out, count = function.args
    with steps(builder, index(0), count, 1) as k:
        given = Lane(builder, builder.load(builder.gep(x, [k]), align=1))
        builder.store(BODIES[name](given).value, builder.gep(out, [k]), align=1)
    builder.ret_void()
    code = Loaded(machine_code(llvm.parse_assembly(str(module))))
    run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(code.address("run"))
    run.code = code  # it lives as long as this
    return run, lanes


def vector_values(name: str, x: np.ndarray) -> np.ndarray:
    """The same as `values` from the functions of registers, which may take other ways."""
    run, lanes = vectors(name, x.dtype.type)
    whole = np.resize(x, -(-x.size // lanes) * lanes)
    out = np.empty_like(whole)
    run(whole.ctypes.data, out.ctypes.data, whole.size // lanes)
    return out[: x.size]


def numbers(dtype: type, count: int, seed: int = 0) -> np.ndarray:
    """Random bit patterns: all magnitudes, subnormal numbers, infinities and nan among them."""
    integer = np.uint32 if dtype == np.float32 else np.uint64
    random = np.random.default_rng(seed)
    bits = random.integers(0, np.iinfo(integer).max, count, dtype=integer, endpoint=True)
    ends = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -0.5, np.inf, -np.inf, np.nan], dtype)
    info = np.finfo(dtype)
    edges = np.array([info.smallest_subnormal, info.smallest_normal, info.eps, info.max], dtype)
    return np.concatenate([bits.view(dtype), ends, edges, -edges])


def errors(got: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Units in the last place of float32, right being float64; infinite where one of both is no number."""
    with np.errstate(all="ignore"):
        rounded = right.astype(np.float32)
        unit = np.maximum(np.spacing(np.abs(rounded)).astype(float), 2.0**-149)
        found = np.abs(got.astype(float) - right) / unit
    same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    return np.where(same & ~np.isfinite(rounded), 0.0, np.where(np.isfinite(got), found, np.inf))


def exact_errors(got: np.ndarray, exact: Callable, *args: np.ndarray, digits: int = 40) -> np.ndarray:
    """Units in the last place of the precision of `got`, against mpmath; inf stands for too great."""
    info = np.finfo(got.dtype)
    lowest = int(np.log2(float(info.smallest_normal)))
    found = []
    with mpmath.workdps(digits):
        for value, *at in zip(got, *args, strict=True):
            right = exact(*(mpmath.mpf(float(v)) for v in at))
            if not np.isfinite(value):
                inside = abs(right) < mpmath.mpf(float(info.max)) * (1 + mpmath.mpf(2) ** -(info.nmant + 2))
                found.append(np.inf if np.isnan(value) or inside else 0.0)
                continue
            exponent = max(mpmath.frexp(right)[1] - 1, lowest) if right else lowest
            unit = mpmath.mpf(2) ** (exponent - info.nmant)
            found.append(float(abs(mpmath.mpf(float(value)) - right) / unit))
    return np.array(found)


def assert_vectorised(name: str, dtype: type) -> None:
    """The loop over the function works on packed registers, and calls nothing."""
    (text,) = loop(name, dtype).inspect_asm().values()
    body = text[: text.index(".size")] if ".size" in text else text
    letter = "s" if dtype == np.float32 else "d"
    if platform.machine() in ("x86_64", "AMD64"):
        packed = re.findall(r"\s(?:vf[n]?m(?:add|sub)\d*|v?mul)p[sd]\s.*%[xyz]mm", body)
        calls = re.findall(r"\s(?:callq?|jmpq?)\s+\*?[%a-zA-Z_]\S*", body)
    else:
        packed = re.findall(rf"\s(?:fmla|fmul)\s+v\d+\.(?:2{letter}|4{letter})", body)
        calls = re.findall(r"\s(?:blr?)\s+\S+", body)
    assert packed, f"{name} of {dtype.__name__} is not vectorised"
    assert not calls, f"{name} of {dtype.__name__} calls {calls[:3]}"
