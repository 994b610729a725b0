"""Expressions with several values: derived with all first derivatives, values and Jacobian as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import Any

import sympy as sp

from symbp.clock import Clock
from symbp.ir.check import check
from symbp.ir.names import free_name
from symbp.ir.nodes import Access, Program
from symbp.ir.walk import accesses, substitute
from symbp.network import Network, symbol_name
from symbp.passes.batch import SAMPLE, batch
from symbp.passes.define import define
from symbp.passes.hoist import hoist_outermost
from symbp.passes.jacobian import jacobian
from symbp.passes.pack import pack
from symbp.passes.proportional import proportional
from symbp.passes.prune import prune
from symbp.passes.share import share
from symbp.passes.simplify.ledger import Ledger
from symbp.pipeline import (
    Derivation,
    _check_wrt,
    _finish,
    _forward,
    _inputs,
    _joined,
    _only,
)
from symbp.schedule.kernel import Kernel


def derive_jacobian(
    network: Network,
    *,
    wrt: Iterable[Any],
    dims: dict[str, int] | None = None,
    reuse: bool = False,
) -> Derivation:
    """Lower a network of single numbers and differentiate all its equations.

    The derivatives are the statements that `backward_program` adds.

    Args:
        wrt, dims, reuse: as in `derive`.

    Raises:
        SymbpError: naming the equation that cannot be compiled.
    """
    clock, ledger = Clock(), Ledger()
    whole, forward = _forward(network, dims, clock, ledger)
    names = [symbol_name(s) for s in wrt]
    _check_wrt(whole, names)
    # What several equations have in common is differentiated once.
    forward = clock("share", proportional, clock("hoist", hoist_outermost, forward))
    found = clock("differentiate", jacobian, forward, network.defined, names, reuse, ledger)
    stored = [a.name for value in found.entries.values() for a in accesses(value)]
    backward = _joined(forward, found.statements, found.tensors)
    own = dict.fromkeys(n for n in stored if backward.tensors[n].role == "defined")
    backward = replace(backward, outputs=tuple(dict.fromkeys((*network.defined, *own))))
    backward = clock("prune", prune, clock("share", share, backward))
    backward = clock("prune", prune, clock("share", proportional, backward))
    forward, backward = clock("define", define, forward), clock("define", define, backward)
    return Derivation(
        network,
        dict(dims or {}),
        forward,
        check(backward),
        None,
        {},
        {},
        tuple(ledger.steps),
        reuse,
        jacobian=found.entries,
        seconds=clock.seconds,
    )


def rows_kernel(derivation: Derivation, shape: tuple[int, ...], wrt: Iterable[Any] | None = None) -> Kernel:
    """The numbers that a network defines as one array per sample, and their Jacobian as another.

    Args:
        shape: of the array of values, in C order.
        wrt: the symbols whose entries, one after the other, are the columns of the Jacobian; None for
            values alone.
    """
    net = derivation.network
    program = _only(derivation.backward_program, derivation.backward_program.outputs)
    program = batch(program if wrt is not None else prune(proportional(program)), {})
    results = [free_name(name, program.tensors) for name in ("values", "jacobian")]
    program = _finish(program, derivation)
    values = {
        at: per_sample(Access(name), program)
        for at, name in zip(product(*map(range, shape)), net.defined, strict=True)
    }
    program = pack(program, results[0], shape, values)
    if wrt is None:
        del results[1:]
    else:
        rows = {name: k for k, name in enumerate(net.defined)}
        columns = places(program, wrt)
        slopes: dict[tuple[int, ...], sp.Expr] = {
            (rows[output], columns[source]): per_sample(value, program)
            for (output, source), value in derivation.jacobian.items()
        }
        program = pack(program, results[1], (len(rows), len(columns)), slopes)
    program = check(_only(program, tuple(results)))
    return Kernel("value", program, _inputs(net), (), tuple(results), (), point=True)


def places(program: Program, wrt: Iterable[Any]) -> dict[Access, int]:
    """All entries of some arguments, one after the other, with their numbers."""
    tensors = [program.tensors[symbol_name(s)] for s in wrt]
    entries = (Access(t.name, *at) for t in tensors for at in product(*map(range, t.row_shape)))
    return {entry: k for k, entry in enumerate(entries)}


def per_sample(value: sp.Expr, program: Program) -> sp.Expr:
    """A value of one sample as one of the samples."""
    wide = [a for a in accesses(value) if program.tensors[a.name].batched]
    return substitute(value, {a: Access(a.name, SAMPLE, *a.indices) for a in wide})
