"""What the processor remembers of a thread's operations: whether one of them left the range of numbers.

The source of this function becomes part of generated modules.
"""

from __future__ import annotations

import platform
from contextlib import contextmanager

from llvmlite import ir


@contextmanager
def out_of_range(builder):
    """What is written inside is done where an operation has overflowed, underflowed, divided by 0 or had no
    result, since that was last asked on this thread; on processors that are not asked, always.

    Comparing all results instead takes a tenth of the time of a short kernel.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        yield
        return
    status, byte = ir.IntType(32), ir.IntType(8).as_pointer()
    functions = []
    for name in ("llvm.x86.sse.stmxcsr", "llvm.x86.sse.ldmxcsr"):
        found = builder.module.globals.get(name)
        functions.append(found or ir.Function(builder.module, ir.FunctionType(ir.VoidType(), [byte]), name))
    with builder.goto_entry_block():
        place = builder.alloca(status)
    address = builder.bitcast(place, byte)
    builder.call(functions[0], [address])
    flags = builder.load(place)
    invalid, by_zero, overflow, underflow = 1, 4, 8, 16
    raised = builder.and_(flags, ir.Constant(status, invalid | by_zero | overflow | underflow))
    with builder.if_then(builder.icmp_unsigned("!=", raised, ir.Constant(status, 0)), likely=False):
        builder.store(builder.xor(flags, raised), place)
        builder.call(functions[1], [address])
        yield
