"""Threads that share a kernel: tickets for pieces of work, and waiting until all pieces are done.

The source of these functions becomes part of generated modules. All threads run one function. Its
work is cut into pieces in a fixed order; a thread draws a ticket for the next piece, and waits where
a piece needs what others still compute. Who comes late finds fewer pieces left, and nobody waits for
a thread that never came: on a busy machine one thread does all the work.

After a kernel helpers listen for the next one for a moment before they return: waking a thread that
sleeps takes as long as a small kernel. They listen here, not in Python, because the caller holds the
interpreter's lock between two kernels, and who waits for that lock sleeps.
"""

from __future__ import annotations

import os

from llvmlite import ir

from symbp.machine.status import out_of_range
from symbp.machine.vocabulary import intrinsic, njit, types

PATIENCE = 2000
"""Looks at a counter before other threads of the machine are let run."""

LOOKS = 1_000_000
"""Looks, of about a nanosecond each, before who listens for the next kernel goes to sleep."""


@intrinsic
def count_up(typingctx, counters, k):
    """Add 1 to a counter that threads share; its value before that."""

    def lower(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.atomic_rmw("add", builder.gep(data, [args[1]]), args[1].type(1), "seq_cst")

    return types.int64(counters, types.intp), lower


@intrinsic
def count_of(typingctx, counters, k):
    """The value of a counter that threads share, and all that was written before it got there."""

    def lower(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.load_atomic(builder.gep(data, [args[1]]), "seq_cst", 8)

    return types.int64(counters, types.intp), lower


@intrinsic
def note_range(typingctx, counters, k):
    """Count where an operation of this thread has left the range of numbers since the last time."""

    def lower(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        with out_of_range(builder):
            builder.atomic_rmw("add", builder.gep(data, [args[1]]), args[1].type(1), "seq_cst")
        return context.get_dummy_value()

    return types.void(counters, types.intp), lower


@intrinsic
def let_others_run(typingctx):
    """Give the processor to another thread, where one waits for it."""

    def lower(context, builder, sig, args):
        name = "SwitchToThread" if os.name == "nt" else "sched_yield"
        function = builder.module.globals.get(name)
        if function is None:
            function = ir.Function(builder.module, ir.FunctionType(ir.IntType(32), []), name)
        builder.call(function, [])
        return context.get_dummy_value()

    return types.void(), lower


@njit(nogil=True)
def wait_until(counters, k, least):
    """Wait until a counter has a value."""
    looks = 0
    while count_of(counters, k) < least:
        looks += 1
        if looks > PATIENCE:
            let_others_run()


@njit(nogil=True)
def ring(bell, number):
    """Tell those who listen that the next kernel begins; `number` is 0 for the thread that calls it."""
    if number == 0:
        count_up(bell, 0)


@njit(nogil=True)
def listen(bell, number):
    """As a helper with kernel `number`, wait for the ring of the next one, but not for long."""
    looks = 0
    while 0 < number == count_of(bell, 0) and looks < LOOKS:
        looks += 1
        if looks % PATIENCE == 0:
            let_others_run()
