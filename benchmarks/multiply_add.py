"""The least time that a number of operations takes: fused multiply-adds in the vector registers of all cores.

It is measured like a contender, in the same rounds: cores are slower while others use them.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache

import llvmlite.binding as llvm
from llvmlite import ir

from symbp.codegen.registers import Vectors
from symbp.codegen.tile import SUMS
from symbp.machine.compile import Loaded, machine_code
from symbp.machine.host import triple

TURNS = 2_000_000
"""Of the loop on each core in one call: ten milliseconds, since to wake the threads takes a tenth of one."""


class MultiplyAdds:
    """A call that does nothing but multiply and add float32 on all cores that this process may use.

    Attributes:
        operations: of one call, multiplications and additions.
    """

    def __init__(self, turns: int = TURNS):
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._turns, self._cores, self._pool = turns, range(cores), ThreadPoolExecutor(cores)
        loop, lanes = _loop()
        self._loop = loop
        self.operations = 2.0 * cores * turns * SUMS * lanes

    def __call__(self) -> None:
        wait([self._pool.submit(self._loop, self._turns) for _ in self._cores])


@cache
def _loop() -> tuple[Callable[[int], float], int]:
    """What runs so many turns of SUMS multiply-adds without Python's lock, and the lanes of a vector."""
    module, index, real = ir.Module(), ir.IntType(64), ir.FloatType()
    module.triple = triple()
    function = ir.Function(module, ir.FunctionType(real, [index]), "loop")
    before, body, after = (function.append_basic_block(name) for name in ("before", "body", "after"))
    builder = ir.IRBuilder(before)
    vectors = Vectors(builder, real)
    factor, term = (vectors.spread(real(value)) for value in (0.5, 1.0))
    builder.branch(body)
    builder.position_at_end(body)
    turn, *sums = (builder.phi(kind) for kind in (index, *[vectors.type] * SUMS))
    following = [builder.add(turn, index(1)), *(vectors.fma(s, factor, term) for s in sums)]
    for k, (phi, value) in enumerate(zip((turn, *sums), following, strict=True)):
        # Each sum begins with another number, so that none is computed for another.
        phi.add_incoming(ir.Constant(vectors.type, [float(k)] * vectors.lanes) if k else index(0), before)
        phi.add_incoming(value, body)
    builder.cbranch(builder.icmp_signed("<", following[0], function.args[0]), body, after)
    builder.position_at_end(after)
    total = following[1]
    for value in following[2:]:
        total = builder.fadd(total, value)
    builder.ret(vectors.total(total))
    code = Loaded(machine_code(llvm.parse_assembly(str(module))))
    run = ctypes.CFUNCTYPE(ctypes.c_float, ctypes.c_int64)(code.address("loop"))

    def loop(turns: int) -> float:
        assert code  # it lives as long as this
        return run(turns)

    return loop, vectors.lanes
