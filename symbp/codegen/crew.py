"""Threads that share a kernel: tickets for pieces of work, and waiting until all pieces are done.

The source of these functions becomes part of generated modules. All threads run one function. Its
work is cut into pieces in a fixed order; a thread draws a ticket for the next piece, and waits where
a piece needs what others still compute. Who comes late finds fewer pieces left, and nobody waits for
a thread that never came: on a busy machine one thread does all the work. How threads come to run the
function, and how they find out that it is over, is written in `symbp.machine.gate`.
"""

from __future__ import annotations

from symbp.machine.gate import PATIENCE, draw, yield_processor
from symbp.machine.status import out_of_range
from symbp.machine.vocabulary import intrinsic, njit, types


@intrinsic
def draw_ticket(typingctx, gate, number):
    """The next ticket of the job of a number, or one beyond all pieces where that is over."""

    def lower(context, builder, sig, args):
        return draw(builder, context.make_array(sig.args[0])(context, builder, args[0]).data, args[1])

    return types.int64(gate, types.int64), lower


@intrinsic
def count_up(typingctx, gate, k):
    """Add 1 to an entry of the gate."""

    def lower(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        builder.atomic_rmw("add", builder.gep(data, [args[1]]), args[1].type(1), "seq_cst")
        return context.get_dummy_value()

    return types.void(gate, types.intp), lower


@intrinsic
def count_of(typingctx, gate, k):
    """An entry of the gate, and all that was written before it got there."""

    def lower(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.load_atomic(builder.gep(data, [args[1]]), "seq_cst", 8)

    return types.int64(gate, types.intp), lower


@intrinsic
def note_range(typingctx, gate, k):
    """Count where an operation of this thread has left the range of numbers since the last time."""

    def lower(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        with out_of_range(builder):
            builder.atomic_rmw("add", builder.gep(data, [args[1]]), args[1].type(1), "seq_cst")
        return context.get_dummy_value()

    return types.void(gate, types.intp), lower


@intrinsic
def let_others_run(typingctx):
    """Give the processor to another thread, where one waits for it."""

    def lower(context, builder, sig, args):
        yield_processor(builder)
        return context.get_dummy_value()

    return types.void(), lower


@njit(nogil=True)
def wait_until(gate, k, number, least):
    """Wait until so many pieces of the job are done, or the job is over."""
    looks = 0
    while count_of(gate, k) - number < least:
        looks += 1
        if looks > PATIENCE:
            let_others_run()
