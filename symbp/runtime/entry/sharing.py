"""Machine code that calls a kernel through a gate, for threads to share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from llvmlite import ir

from symbp.machine.callable import MachineFunction
from symbp.machine.convention import LEFT_RANGE, STATUS, TAKEN
from symbp.machine.gate import LISTENING, MOST_WORDS
from symbp.machine.loops import loop, place
from symbp.machine.shared import share_address
from symbp.machine.status import out_of_range
from symbp.runtime.entry.writer import LONG, Array, Entry
from symbp.runtime.threads import COUNT, CREDITS, GATE, HELPERS, JOB, KEPT, OF_SAMPLES, WORDS

_BYTE, _WORD = ir.IntType(8).as_pointer(), ir.IntType(64)


class SharingEntry(Entry):
    """A function called from Python whose kernel threads may share."""

    def share(
        self,
        job: MachineFunction | ir.Value,
        gate: ir.Value,
        helpers: ir.Value,
        arguments: Sequence[Array],
        more: tuple[ir.Value, ir.Value] | None = None,
    ) -> ir.Value:
        """Call a function through a gate; its status, see `symbp.machine.gate`.

        Args:
            job: the function, or its address.
            gate: its address.
            helpers: how many may join.
            more: the address of words that follow those of the arguments, and their number.
        """
        build = self.build
        parts: list[ir.Value] = []
        for array in arguments:
            parts.append(build.ptrtoint(array.address, _WORD))
            parts += [n if isinstance(n, ir.Value) else _WORD(n) for n in array.shape]
        # Kernels with more are not shared; this is written for them all the same.
        words, count = place(build, _WORD, max(MOST_WORDS, len(parts))), _WORD(len(parts))
        for k, part in enumerate(parts):
            build.store(part, build.gep(words, [_WORD(k)]))
        if more is not None:
            source, others = more
            with loop(build, _WORD(0), others) as k:
                word = build.load(build.gep(source, [k]))
                build.store(word, build.gep(words, [build.add(_WORD(len(parts)), k)]))
            count = build.add(count, others)
        if isinstance(job, MachineFunction):
            self._alive.append(job)
            job = _WORD(job.address)
        state = self._python("PyEval_SaveThread", _BYTE)
        status = self._call(share_address(), STATUS, gate, job, words, count, helpers)
        self._python("PyEval_RestoreThread", ir.VoidType(), state)
        return status

    def granted(
        self, ready: np.ndarray, samples: ir.Value, arguments: Sequence[Array], ranges: bool = False
    ) -> ir.Value:
        """Make a call as it has been granted: shared, where a helper listens, or on this thread.

        Args:
            ready: of `symbp.runtime.threads.Shared`.
            samples: of the call.
            arguments: those of the kernel, without its buffers.
            ranges: whether it matters that an operation leaves the range of numbers.

        Returns:
            The status, see `symbp.machine.gate`; `TAKEN` where nothing has been granted.
        """
        self._alive.append(ready)
        build, status = self.build, place(self.build, STATUS)
        build.store(STATUS(TAKEN), status)
        entries = _WORD(ready.ctypes.data).inttoptr(_WORD.as_pointer())

        def entry(k: int) -> ir.Value:
            return build.load(build.gep(entries, [_WORD(k)]))

        def used(step: int) -> None:
            build.store(build.add(credits, _WORD(step)), build.gep(entries, [_WORD(CREDITS)]))

        credits = entry(CREDITS)
        fits = build.icmp_signed("==", entry(OF_SAMPLES), samples)
        with build.if_then(build.and_(build.icmp_signed(">", credits, _WORD(0)), fits)):
            gate = build.inttoptr(entry(GATE), _WORD.as_pointer())
            listening = build.load_atomic(build.gep(gate, [_WORD(LISTENING)]), "seq_cst", 8)
            with build.if_then(build.icmp_signed(">", listening, _WORD(0))):
                used(-1)
                # Another thread may grant other buffers meanwhile.
                kept = build.inttoptr(entry(KEPT), _BYTE)
                self._python("Py_IncRef", ir.VoidType(), kept)
                more = build.inttoptr(entry(WORDS), _WORD.as_pointer()), entry(COUNT)
                build.store(self.share(entry(JOB), gate, entry(HELPERS), arguments, more), status)
                self._python("Py_DecRef", ir.VoidType(), kept)
        with build.if_then(build.and_(build.icmp_signed("<", credits, _WORD(0)), fits)):
            used(1)
            build.store(self._status(arguments, LONG, self.kernel), status)
            if ranges:
                with out_of_range(build):
                    found = build.load(status)
                    well = build.icmp_signed("==", found, STATUS(0))
                    build.store(build.select(well, STATUS(LEFT_RANGE), found), status)
        return build.load(status)

    def truth(self, condition: ir.Value) -> ir.Value:
        """True or False, whose count of references is left as it is."""
        return self.build.select(condition, self._known(True), self._known(False))

    def ran(self, status: ir.Value, *more: int) -> ir.Value:
        """Whether a call has been made, as its status says; it may also be one of `more`."""
        found = self.build.icmp_signed("==", status, STATUS(0))
        for code in more:
            found = self.build.or_(found, self.build.icmp_signed("==", status, STATUS(code)))
        return found
