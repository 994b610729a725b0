"""Machine code that checks what arrays hold: labels, rows that add up to a number, finite results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from llvmlite import ir

from symbp.machine.loops import loop, place
from symbp.machine.status import out_of_range
from symbp.runtime.entry.objects import POINTER
from symbp.runtime.entry.writer import Array, Entry, real_type

_WORD, _DOUBLE = ir.IntType(8 * POINTER), ir.DoubleType()


def need_labels(entry: Entry, array: Array, bound: int | None) -> None:
    """Every entry must be an integer 0 ... bound-1."""
    build = entry.build
    with entry.entries(array.address, _WORD, entry.size(array.shape)) as label:
        wrong = build.icmp_signed("<", label, _WORD(0))
        if bound is not None:
            wrong = build.or_(wrong, build.icmp_signed(">=", label, _WORD(bound)))
        entry.need(build.not_(wrong))


def need_totals(entry: Entry, array: Array, dtype: np.dtype, total: float, rounding: float) -> None:
    """The entries along the last axis must add up to a number."""
    build, kind = entry.build, real_type(dtype)
    size = entry.size(array.shape[-1:])
    sum_ = place(build, _DOUBLE)
    with loop(build, _WORD(0), entry.size(array.shape[:-1])) as row:
        build.store(_DOUBLE(0.0), sum_)
        start = build.gep(build.bitcast(array.address, kind.as_pointer()), [build.mul(row, size)])
        with entry.entries(start, kind, size) as number:
            wide = number if dtype.itemsize == 8 else build.fpext(number, _DOUBLE)
            build.store(build.fadd(build.load(sum_), wide), sum_)
        off = build.fsub(build.load(sum_), _DOUBLE(float(total)))
        size_of = build.call(entry.module.declare_intrinsic("llvm.fabs", [_DOUBLE]), [off])
        entry.need(build.fcmp_ordered("<=", size_of, _DOUBLE(rounding)))


def need_finite(entry: Entry, results: Sequence[Array], dtype: np.dtype) -> None:
    """The entries must be finite; they are looked at where an operation has left the range of numbers."""
    build, kind = entry.build, ir.IntType(8 * dtype.itemsize)
    # The exponent of what is infinite or nan.
    top = ir.Constant(kind, int(np.array(np.inf, dtype).view(f"u{dtype.itemsize}")))
    with out_of_range(build):
        for result in results:
            lost = place(build, kind)
            build.store(ir.Constant(kind, 0), lost)
            with entry.entries(result.address, kind, entry.size(result.shape)) as number:
                is_lost = build.icmp_signed("==", build.and_(number, top), top)
                build.store(build.or_(build.load(lost), build.zext(is_lost, kind)), lost)
            entry.need(build.icmp_signed("==", build.load(lost), ir.Constant(kind, 0)))
