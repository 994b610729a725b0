"""The gate between the caller of a kernel and the threads that help with it.

A gate is an array that all threads of a crew see. The caller writes down what to call and with what, and
opens the gate by giving the job a new number. Who listens sees the number change, draws a ticket for a
piece of the work and calls the same function. When all pieces are done the caller closes the gate: the next
number. Nobody waits for a helper that comes late, so it must find out that it is late, and touch nothing:

    TICKETS holds the number of the job and, below it, the next ticket. A ticket is drawn by comparing and
    exchanging the whole word, which fails where the job is over.

    What was copied from the gate before a ticket was drawn belongs to that ticket's job: nobody writes
    there while a gate is open.

    DONE holds the same number and how many pieces are done; who waits for more of them than there are stops
    where the number has changed.

    Who cannot do a piece that it has drawn, as there is no memory, ends the job for all: nobody draws or
    waits any more. Then the caller does wait for helpers, so that it may give back what they write into.

Numbers go round after 2**31 jobs. All of this is machine code: between two steps of a thread that runs
Python another one may hold the interpreter's lock, and to get it takes as long as a small kernel. The
sources of `draw` and `yield_processor` become part of generated modules.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from llvmlite import ir

from symbp.machine.convention import LEFT_RANGE, STATUS, TAKEN
from symbp.machine.loops import loop, place

TICKETS, DONE, NOTED, LISTENING = 0, 8, 16, 24
BUSY, FAILED, PLACES, FUNCTION, COUNT, INSIDE, WORDS = 32, 33, 34, 35, 36, 37, 40
"""Entries of a gate: the number of the job and the next ticket; the number and the pieces done; pieces in
which an operation has left the range of numbers; helpers that listen; whether a caller has the crew; the
status of a job that has failed, so that the crew is of no more use; helpers that may still join; the function
of the job; the number of its words; helpers that may be in the code of a job; and the words. What threads
write at the same time is on different cache lines."""

MOST_WORDS = 216
"""Words that a job may have: addresses and extents of its arrays."""

JOB_KINDS = (("int64", 1), ("int64", 0), ("int64", 0))
"""The last arguments of a function that threads share: the gate, the number of the job, a ticket that has
been drawn for it; each as [dtype, number of axes]."""

SIZE = WORDS + MOST_WORDS

JOB = 1 << 32
"""The step between the numbers of two jobs; open gates have odd ones."""

PATIENCE = 2000
"""Looks at a gate before other threads of the machine are let run."""

LOOKS = 1_000_000
"""Looks, of about a nanosecond each, before who listens for the next job goes to sleep."""

SERVE, SHARE = "serve", "share"

_LONG, _FLAG = ir.IntType(64), ir.IntType(1)
_WORDS = _LONG.as_pointer()
JOB_FUNCTION = ir.FunctionType(STATUS, [_WORDS, _WORDS, _LONG, _LONG])
"""(words, gate, the job's number, first ticket) -> status: what threads share."""


def gate_functions() -> ir.Module:
    """What runs jobs, in a module of its own.

    serve(gate, number of the last job seen) -> the same; returns when there was none for a while
    share(gate, function, words, their number, helpers) -> status of the function, or `TAKEN`; or
        `LEFT_RANGE` where an operation has
    """
    module = ir.Module("gate")
    _write_serve(ir.Function(module, ir.FunctionType(_LONG, [_WORDS, _LONG]), SERVE))
    kinds = [_WORDS, JOB_FUNCTION.as_pointer(), _WORDS, _LONG, _LONG]
    _write_share(ir.Function(module, ir.FunctionType(STATUS, kinds), SHARE))
    return module


def write_job(module: ir.Module, name: str, kernel: ir.Function) -> None:
    """A function of a job that calls a kernel with all its words, the gate as array, number and ticket."""
    function = ir.Function(module, JOB_FUNCTION, name)
    build = ir.IRBuilder(function.append_basic_block())
    words, gate, number, ticket = function.args
    parts: list[ir.Value] = []
    for k, part in enumerate(kernel.args[: len(kernel.args) - len(_own_parts(gate, number, ticket))]):
        word = build.load(build.gep(words, [_LONG(k)]))
        parts.append(word if part.type == _LONG else build.inttoptr(word, part.type))
    build.ret(build.call(kernel, [*parts, *_own_parts(gate, number, ticket)]))


def _own_parts(gate: ir.Value, number: ir.Value, ticket: ir.Value) -> list[ir.Value]:
    """The last parts of what a shared kernel takes."""
    return [gate, _LONG(SIZE), number, ticket]


def draw(builder, gate, number):
    """The next ticket of a job, whose number is given; one beyond all pieces where the job is over."""
    long, before = number.type, builder.block
    first = builder.load_atomic(gate, "seq_cst", 8)
    look, take, end = (builder.append_basic_block(name) for name in ("look", "take", "drawn"))
    builder.branch(look)
    builder.position_at_end(look)
    word = builder.phi(long)
    word.add_incoming(first, before)
    ticket = builder.sub(word, number)
    builder.cbranch(builder.icmp_unsigned("<", ticket, long(JOB)), take, end)
    builder.position_at_end(take)
    found = builder.cmpxchg(gate, word, builder.add(word, long(1)), "seq_cst", "seq_cst")
    word.add_incoming(builder.extract_value(found, 0), take)
    builder.cbranch(builder.extract_value(found, 1), end, look)
    builder.position_at_end(end)
    result = builder.phi(long)
    result.add_incoming(long(JOB), look)
    result.add_incoming(ticket, take)
    return result


def yield_processor(builder):
    """Give the processor to another thread, where one waits for it."""
    name = "SwitchToThread" if os.name == "nt" else "sched_yield"
    function = builder.module.globals.get(name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(ir.IntType(32), []), name)
    builder.call(function, [])


class _Gate:
    """Reads and writes the entries of a gate."""

    def __init__(self, build: ir.IRBuilder, gate: ir.Value):
        self.build, self.gate = build, gate

    def at(self, entry: int) -> ir.Value:
        return self.build.gep(self.gate, [_LONG(entry)])

    def look(self, entry: int) -> ir.Value:
        return self.build.load_atomic(self.at(entry), "seq_cst", 8)

    def tell(self, entry: int, value: ir.Value) -> None:
        self.build.store_atomic(value, self.at(entry), "seq_cst", 8)

    def add(self, entry: int, value: int) -> ir.Value:
        return self.build.atomic_rmw("add", self.at(entry), _LONG(value), "seq_cst")

    def copy_words(self, source: ir.Value, target: ir.Value, count: ir.Value) -> None:
        with loop(self.build, _LONG(0), count) as k:
            self.build.store(self.build.load(self.build.gep(source, [k])), self.build.gep(target, [k]))


def _write_serve(function: ir.Function) -> None:
    function.attributes.add("noinline")
    build = ir.IRBuilder(function.append_basic_block("entry"))
    gate, last = function.args
    entries = _Gate(build, gate)
    seen, looks = place(build, _LONG), place(build, _LONG)
    words = place(build, _LONG, MOST_WORDS)
    build.store(last, seen)
    build.store(_LONG(0), looks)
    entries.add(LISTENING, 1)
    listen, changed, same, done = (build.append_basic_block(n) for n in ("listen", "changed", "same", "done"))
    build.branch(listen)

    build.position_at_end(listen)
    number = build.and_(entries.look(TICKETS), _LONG(-JOB))
    build.cbranch(build.icmp_signed("==", number, build.load(seen)), same, changed)

    build.position_at_end(same)
    more = build.add(build.load(looks), _LONG(1))
    build.store(more, looks)
    with build.if_then(build.icmp_signed("==", build.urem(more, _LONG(PATIENCE)), _LONG(0)), likely=False):
        yield_processor(build)
    build.cbranch(build.icmp_signed("<", more, _LONG(LOOKS)), listen, done)

    build.position_at_end(changed)
    build.store(number, seen)
    build.store(_LONG(0), looks)
    is_open = build.icmp_signed("!=", build.and_(number, _LONG(JOB)), _LONG(0))
    with build.if_then(is_open), _joined(entries):
        count = build.load(entries.at(COUNT))
        few = build.icmp_unsigned("<", count, _LONG(MOST_WORDS))
        entries.copy_words(entries.at(WORDS), words, build.select(few, count, _LONG(MOST_WORDS)))
        job = build.inttoptr(build.load(entries.at(FUNCTION)), JOB_FUNCTION.as_pointer())
        ticket = draw(build, gate, number)
        with build.if_then(build.icmp_signed("<", ticket, _LONG(JOB))):
            # A job without the piece that was drawn is not over.
            _end_where_failed(entries, number, build.call(job, [words, gate, number, ticket]))
    build.branch(listen)

    build.position_at_end(done)
    entries.add(LISTENING, -1)
    build.ret(build.load(seen))


@contextmanager
def _joined(entries: _Gate) -> Iterator[None]:
    """What is written inside is done where one more helper may join."""
    left = entries.add(PLACES, -1)
    with entries.build.if_then(entries.build.icmp_signed(">", left, _LONG(0))):
        entries.add(INSIDE, 1)
        yield
        entries.add(INSIDE, -1)


def _end_where_failed(entries: _Gate, number: ir.Value, status: ir.Value) -> None:
    """End a job, which has not been closed, for all where one of its threads has failed."""
    build = entries.build
    with build.if_then(build.icmp_signed("!=", status, STATUS(0)), likely=False):
        entries.tell(FAILED, build.sext(status, _LONG))
        entries.tell(TICKETS, build.add(number, _LONG(JOB)))
        entries.add(DONE, JOB >> 1)


def _write_share(function: ir.Function) -> None:
    build = ir.IRBuilder(function.append_basic_block("entry"))
    gate, job, words, count, helpers = function.args
    entries = _Gate(build, gate)
    found = build.cmpxchg(entries.at(BUSY), _LONG(0), _LONG(1), "seq_cst", "seq_cst")
    with build.if_then(build.not_(build.extract_value(found, 1)), likely=False):
        build.ret(STATUS(TAKEN))
    build.store(build.ptrtoint(job, _LONG), entries.at(FUNCTION))
    build.store(count, entries.at(COUNT))
    entries.copy_words(words, entries.at(WORDS), count)
    entries.tell(NOTED, _LONG(0))
    entries.tell(PLACES, helpers)
    closed = build.and_(entries.look(TICKETS), _LONG(-JOB))
    number = build.add(closed, _LONG(JOB))
    entries.tell(DONE, number)
    entries.tell(TICKETS, build.add(number, _LONG(1)))  # the first ticket is the caller's
    _end_where_failed(entries, number, build.call(job, [words, gate, number, _LONG(0)]))
    entries.tell(TICKETS, build.add(number, _LONG(JOB)))
    failure = entries.look(FAILED)
    with build.if_then(build.icmp_signed("!=", failure, _LONG(0)), likely=False):
        wait, alone = build.append_basic_block("wait"), build.append_basic_block("alone")
        build.branch(wait)
        build.position_at_end(wait)
        yield_processor(build)
        build.cbranch(build.icmp_signed("!=", entries.look(INSIDE), _LONG(0)), wait, alone)
        build.position_at_end(alone)
        build.ret(build.trunc(failure, STATUS))
    noted = build.icmp_signed("!=", entries.look(NOTED), _LONG(0))
    entries.tell(BUSY, _LONG(0))
    build.ret(build.select(noted, STATUS(LEFT_RANGE), STATUS(0)))
