"""Direct calls: the short way into a kernel for arguments that need no conversion.

Small networks take less than a microsecond; checking their arguments in Python would take several. What
is checked and made around each kernel is written here, as machine code (`symbp.runtime.entry`). Whatever
is not right is left to the long way, which converts it or finds the words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import inf
from typing import Any

import numpy as np
from llvmlite import ir

from symbp.machine.callable import Function
from symbp.machine.convention import LEFT_RANGE
from symbp.machine.gate import SIZE
from symbp.machine.shared import SharedFunction
from symbp.runtime.compiled import Compiled
from symbp.runtime.entry.checks import need_finite, need_labels, need_totals
from symbp.runtime.entry.floats import Floats
from symbp.runtime.entry.objects import new_array_address
from symbp.runtime.entry.sharing import SharingEntry
from symbp.runtime.entry.writer import LONG, Array, Entry
from symbp.runtime.second_look import all_finite
from symbp.runtime.validate import Slot, total_rounding

Direct = Callable[[Any, Mapping[str, Any]], "tuple[float, np.ndarray] | None"]
"""(theta, inputs by name) -> (loss, gradient), or None where the long way must be taken."""

DirectForward = Callable[[Any, Mapping[str, Any]], "dict[str, np.ndarray] | None"]
"""(theta, inputs by name) -> results by name, or None as above."""

DirectSamples = Callable[..., Any]
"""The arguments in order -> results, numbers from numbers and arrays from arrays; or None as above."""


def direct_gradient(kernel: Compiled, size: int, totals: Sequence[Slot] = ()) -> Direct | None:
    """The short way into a kernel of value and gradient; None where it has none.

    Args:
        size: entries of theta.
        totals: inputs whose entries add up to a number.
    """
    alone = len(kernel.results) == 1 and not kernel.results[0].shape and not kernel.results[0].batched
    found = kernel.gradient.size
    entry = _entry(kernel) if alone and _plain(kernel) and found else None
    if entry is None or kernel.parameters.size != size:
        return None
    theta, given, arrays, samples = _taken(entry, kernel, size, totals)
    many = kernel.call.fewest_shared
    if many < inf:
        with entry.where(entry.build.icmp_signed(">=", samples, samples.type(int(many)))):
            gradient, entries = entry.new_array(kernel.real, (found,))
            loss = entry.room(kernel.real)
            status = entry.granted(kernel.call.ready, samples, [*arrays, loss, entries])
            with entry.where(entry.ran(status, LEFT_RANGE)):
                entry.give(entry.new_tuple([entry.new_float(loss, kernel.real), gradient]))
            new = [entry.new_array(kernel.real, (1,))[0], gradient]
            entry.give(entry.new_tuple([theta, *given, *new], borrowed=1 + len(given)))
    gradient, entries = entry.new_array(kernel.real, (found,))
    loss = entry.room(kernel.real)
    entry.run([*arrays, loss, entries], _operations(entry, samples, kernel))
    entry.give(entry.new_tuple([entry.new_float(loss, kernel.real), gradient]))
    call = entry.finished()
    return call if many == inf else _sharing(call, kernel)


def direct_into(function: Function) -> Callable[..., bool | None] | None:
    """The short way into a function that is given all it takes, results too: True when it has run."""
    if new_array_address() is None:
        return None
    entry = Entry(f"{function.name}_entry", function)
    given = entry.arguments(len(function.kinds))
    taken = [
        entry.array(argument, dtype, (None,) * ndim) if ndim else entry.integer(argument)
        for argument, (dtype, ndim) in zip(given, function.kinds, strict=True)
    ]
    entry.run(taken, LONG)
    entry.give_known(True)  # the kernel has run
    return entry.finished()


def direct_job(function: SharedFunction) -> Callable[..., bool | None] | None:
    """The short way into a function that threads share; its arguments and what it returns are those of
    `SharedFunction`."""
    if new_array_address() is None:
        return None
    entry = SharingEntry(f"{function.name}_job", function)
    gate, helpers, *given = entry.arguments(2 + len(function.kinds))
    at = entry.array(gate, np.dtype(np.int64), (SIZE,)).address
    arrays = [
        entry.array(argument, dtype, (None,) * ndim)
        for argument, (dtype, ndim) in zip(given, function.kinds, strict=True)
    ]
    status = entry.share(function, at, entry.integer(helpers), arrays)
    with entry.where(entry.build.icmp_signed("==", status, status.type(0))):
        entry.give_known(True)
    entry.need(entry.build.icmp_signed("==", status, status.type(LEFT_RANGE)))
    entry.give_known(False)
    return entry.finished()


def _sharing(ready: Callable[..., Any], kernel: Compiled) -> Direct:
    """Calls of many samples have come back with what the kernel takes, for threads to share."""
    share = kernel.call

    def call(theta: Any, arrays: Mapping[str, Any]) -> tuple[float, np.ndarray] | None:
        found = ready(theta, arrays)
        if found is None or len(found) == 2:
            return found
        try:
            share(len(found[1]), found)
        except MemoryError:
            return None
        return found[-2].item(), found[-1]

    return call


def direct_forward(kernel: Compiled, size: int, totals: Sequence[Slot] = ()) -> DirectForward | None:
    """The short way into a kernel of results per sample; None where it has none.

    Args:
        size: entries of theta.
        totals: as above.
    """
    fits = all(s.batched for s in kernel.results) and not kernel.gradient.names and size
    entry = _entry(kernel) if fits and _plain(kernel) and kernel.parameters.size == size else None
    if entry is None:
        return None
    _, _, arrays, samples = _taken(entry, kernel, size, totals)
    made = [entry.new_array(kernel.real, (samples, *s.shape)) for s in kernel.results]
    all_of_it = [*arrays, *(entries for _, entries in made)]
    if kernel.call.fewest_shared < inf:
        many = samples.type(int(kernel.call.fewest_shared))
        with entry.build.if_else(entry.build.icmp_signed(">=", samples, many)) as (shared, alone):
            with shared:
                status = entry.granted(kernel.call.ready, samples, all_of_it)
                entry.need(entry.ran(status, LEFT_RANGE))
            with alone:
                entry.run(all_of_it, _operations(entry, samples, kernel))
    else:
        entry.run(all_of_it, _operations(entry, samples, kernel))
    entry.give(entry.new_dict([s.name for s in kernel.results], [result for result, _ in made]))
    return entry.finished()


def direct_samples(
    kernel: Compiled,
    slots: Sequence[Slot],
    form: str = "all",
    alone: bool = False,
    method: Any = None,
    otherwise: Any = None,
) -> DirectSamples | None:
    """The short way into a kernel of bare expressions: for one sample, and for arrays of N samples.

    Args:
        slots: the arguments, which may be more than the kernel reads.
        form: "all" results as a tuple, the "one" there is, or the first and the "rest" as a pair.
            Of single numbers, those that are not finite are left to the long way, which looks again.
        alone: whether mostly single samples will come, so that they have machine code of their own.
        method, otherwise: see `symbp.runtime.entry.writer.Entry`.
    """
    plain = bool(slots) and all(s.role != "label" and s.total is None for s in slots)
    plain = plain and all(s.batched for s in kernel.results) and bool(kernel.inputs)
    entry = _entry(kernel, method, otherwise) if plain else None
    if entry is None or (form == "one" and len(kernel.results) != 1):
        return None
    given = entry.arguments(len(slots))
    names = [s.name for s in slots]
    used = [names.index(s.name) for s in kernel.inputs]
    axes = len(slots[0].shape)
    with entry.where(entry.is_array(given[0], axes) if axes else entry.is_number(given[0])):
        taken = [
            _alone(entry.array(g, kernel.real, s.shape)) if s.shape else entry.number(g, kernel.real)
            for g, s in zip(given, slots, strict=True)
        ]
        _one_sample(entry, kernel, [taken[k] for k in used], form, kernel.point_into() if alone else None)
    arrays: list[Array] = []
    samples = None
    for argument, slot in zip(given, slots, strict=True):
        # What the kernel does not read is broadcast all the same, so that it has to be the same array of N.
        arrays.append(entry.array(argument, kernel.real, (samples, *slot.shape)))
        samples = arrays[0].shape[0]
    _need_few(entry, samples, kernel)
    made = [entry.new_array(kernel.real, (samples, *s.shape)) for s in kernel.results]
    taken, rows = [arrays[k] for k in used], [entries for _, entries in made]
    entry.run([*taken, *rows], _operations(entry, samples, kernel))
    if kernel.pointwise:
        need_finite(entry, rows, kernel.real)
    _give(entry, [result for result, _ in made], form)
    return entry.finished()


def direct_bound(
    kernel: Compiled,
    slots: Sequence[Slot],
    arguments: Sequence[np.ndarray],
    results: Sequence[np.ndarray],
    otherwise: Callable[[], None],
) -> Callable[[], None] | None:
    """A function of no arguments that computes results from arguments, always the same arrays.

    Args:
        slots: of the arguments, which may be more than the kernel reads.
        otherwise: what it leaves results to that are not finite.
    """
    count = len(arguments[0]) if arguments and arguments[0].ndim > len(slots[0].shape) else None
    lead = () if count is None else (count,)
    samples = 1 if count is None else count
    pairs = [*zip(arguments, slots, strict=True)]
    plain = all(s.role != "label" and s.total is None for s in slots) and len(results) == len(kernel.results)
    plain = plain and bool(kernel.inputs) and samples > 0 and all(s.batched for s in kernel.results)
    pairs += zip(results, kernel.results, strict=False)
    fit = all(
        a.shape == (*lead, *s.shape) and a.dtype == kernel.real and a.dtype.isnative and a.flags.carray
        for a, s in pairs
    )
    entry = _entry(kernel, None, otherwise) if plain and fit else None
    if entry is None:
        return None
    names = [s.name for s in slots]
    given = [arguments[names.index(s.name)] for s in kernel.inputs]
    if samples >= kernel.call.fewest_shared:
        return partial(_share_bound, kernel, samples, (*given, *results), results, otherwise)
    entry.arguments(0)
    fixed = [entry.fixed(a, (samples, *s.shape)) for a, s in zip(given, kernel.inputs, strict=True)]
    made = [entry.fixed(a, (samples, *s.shape)) for a, s in zip(results, kernel.results, strict=True)]
    function = kernel.point_into() if samples == 1 else None
    entry.run([*fixed, *made], samples * max(1, kernel.call.work), function)
    if kernel.pointwise:
        need_finite(entry, made, kernel.real)
    entry.give_known(None)
    return entry.finished()


def _share_bound(
    kernel: Compiled,
    samples: int,
    arrays: Sequence[np.ndarray],
    results: Sequence[np.ndarray],
    otherwise: Callable[[], None],
) -> None:
    """Such a call of so many samples that threads share it."""
    try:
        in_range = kernel.call(samples, arrays)
    except MemoryError:
        return otherwise()
    if kernel.pointwise and not in_range and not all_finite(results):
        otherwise()
    return None


def direct_shared(kernel: Compiled, slots: Sequence[Slot], form: str = "all") -> DirectSamples | None:
    """The short way into a kernel of bare expressions for so many samples that threads share them.

    Args:
        slots, form: as above; all slots are read, and are arrays of N samples.
    """
    plain = bool(slots) and all(s.role != "label" and s.total is None for s in slots)
    plain = plain and all(s.batched for s in kernel.results) and len(kernel.inputs) == len(slots)
    entry = _entry(kernel) if plain and kernel.call.fewest_shared < inf else None
    if entry is None:
        return None
    samples: Any = None
    arrays: list[Array] = []
    for argument, slot in zip(entry.arguments(len(slots)), slots, strict=True):
        arrays.append(entry.array(argument, kernel.real, (samples, *slot.shape)))
        samples = arrays[0].shape[0]
    entry.need(entry.build.icmp_signed(">=", samples, samples.type(int(kernel.call.fewest_shared))))
    made = [entry.new_array(kernel.real, (samples, *s.shape)) for s in kernel.results]
    results = [result for result, _ in made]
    by_name = dict(zip((s.name for s in slots), arrays, strict=True))
    taken = [by_name[s.name] for s in kernel.inputs]
    status = entry.granted(
        kernel.call.ready, samples, [*taken, *(rows for _, rows in made)], kernel.pointwise
    )
    with entry.where(entry.ran(status)):
        _give(entry, results, form)
    entry.give(entry.new_tuple([entry.truth(entry.ran(status, LEFT_RANGE)), *results], borrowed=1))
    ready, share = entry.finished(), kernel.call
    places = [[s.name for s in slots].index(s.name) for s in kernel.inputs]

    def call(*arguments: Any) -> Any:
        found = ready(*arguments)
        if type(found) is not tuple or type(found[0]) is not bool:
            return found
        in_range, results = False, found[1:]
        if not found[0]:
            try:
                in_range = share(len(results[0]), (*(arguments[k] for k in places), *results))
            except MemoryError:
                return None
        if kernel.pointwise and not in_range and not all_finite(results):
            return None
        return results[0] if form == "one" else (results[0], results[1:]) if form == "rest" else results

    return call


def _alone(row: Array) -> Array:
    """One row as an array of rows."""
    return Array(row.address, (1, *row.shape))


def _one_sample(
    entry: Entry, kernel: Compiled, taken: Sequence[Array], form: str, function: Function | None
) -> None:
    """The results for one sample; `function` computes them, where there is one for that."""
    made = [None if s.shape == () else entry.new_array(kernel.real, s.shape) for s in kernel.results]
    rooms = [m[1] if m else entry.room(kernel.real) for m in made]
    views = [Array(r.address, (1, *s.shape)) for r, s in zip(rooms, kernel.results, strict=True)]
    entry.run([*taken, *views], kernel.call.work, function)
    if kernel.pointwise:
        need_finite(entry, views, kernel.real)
    number = Floats(entry, made.count(None)) if None in made else entry.new_float
    results = [m[0] if m else number(r, kernel.real) for m, r in zip(made, rooms, strict=True)]
    _give(entry, results, form)


def _give(entry: Entry, results: Sequence[ir.Value], form: str) -> None:
    if form == "one":
        (result,) = results
    elif form == "rest":
        result = entry.new_tuple([results[0], entry.new_tuple(results[1:])])
    else:
        result = entry.new_tuple(results)
    entry.give(result)


def _plain(kernel: Compiled) -> bool:
    return bool(kernel.inputs) and all(s.batched for s in kernel.inputs)


def _entry(kernel: Compiled, method: Any = None, otherwise: Any = None) -> SharingEntry | None:
    """What the short way is written to, where there is machine code to call."""
    function = kernel.into.function
    if not isinstance(function, Function) or new_array_address() is None:
        return None
    return SharingEntry(f"{kernel.name}_entry", function, method, otherwise)


def _taken(
    entry: Entry, kernel: Compiled, size: int, totals: Sequence[Slot]
) -> tuple[ir.Value, list[ir.Value], list[Array], ir.Value]:
    """theta and inputs as given, both as arrays, and the number of samples, at least one."""
    theta, mapping = entry.arguments(2)
    arrays = [entry.array(theta, kernel.real, (size,))]
    given = entry.items(mapping, [s.name for s in kernel.inputs])
    samples = None
    for argument, slot in zip(given, kernel.inputs, strict=True):
        arrays.append(entry.array(argument, slot.dtype(kernel.dtype), (samples, *slot.shape)))
        samples = arrays[1].shape[0]
    assert samples is not None
    entry.need(entry.build.icmp_signed(">", samples, samples.type(0)))
    for array, slot in zip(arrays[1:], kernel.inputs, strict=True):
        if slot.role == "label":
            need_labels(entry, array, slot.bound)
        for whole in totals:
            if whole.name == slot.name and whole.total is not None:
                need_totals(entry, array, kernel.real, whole.total, total_rounding(whole, kernel.real))
    return theta, given, arrays, samples


def _need_few(entry: Entry, samples: Any, kernel: Compiled) -> None:
    """Only calls that one thread computes."""
    entry.need(entry.build.icmp_signed(">", samples, samples.type(0)))
    if kernel.call.fewest_shared < inf:
        many = samples.type(int(kernel.call.fewest_shared))
        entry.need(entry.build.icmp_signed("<", samples, many))


def _operations(entry: Entry, samples: Any, kernel: Compiled) -> ir.Value:
    return entry.build.mul(samples, samples.type(max(1, kernel.call.work)))
