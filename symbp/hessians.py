"""Second derivatives: Hessians of expressions of numbers, and products of any Hessian with a vector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import sympy as sp

from symbp.clock import Clock
from symbp.ir.check import check
from symbp.ir.names import free_name
from symbp.ir.nodes import Access, Index, Program, Statement, Tensor
from symbp.ir.walk import accesses
from symbp.network import Network, symbol_name
from symbp.passes.batch import batch
from symbp.passes.contract import contract
from symbp.passes.define import define
from symbp.passes.extremes import roll_maxima
from symbp.passes.hoist import hoist_outermost
from symbp.passes.jacobian import Jacobian, jacobian
from symbp.passes.pack import pack
from symbp.passes.proportional import proportional
from symbp.passes.prune import prune
from symbp.passes.share import share
from symbp.passes.simplify.common_numbers import common_numbers
from symbp.passes.simplify.ledger import Ledger
from symbp.passes.simplify.written_peaks import with_written_peaks
from symbp.passes.tangents import tangents
from symbp.pipeline import (
    Derivation,
    _both_passes,
    _check_wrt,
    _finish,
    _forward,
    _inputs,
    _joined,
    _only,
)
from symbp.rows import per_sample, places
from symbp.schedule.kernel import Kernel


def derive_hessian(
    network: Network,
    *,
    wrt: Iterable[Any],
    dims: dict[str, int] | None = None,
    reuse: bool = False,
) -> Derivation:
    """Lower a network of single numbers and differentiate its loss twice.

    The Hessian is the Jacobian of the gradient, which is a Jacobian itself, of one row. It is symmetric: of
    each pair of equal entries, one is computed.

    Args:
        wrt, dims, reuse: as in `symbp.pipeline.derive`.

    Raises:
        SymbpError: naming the equation that cannot be compiled.
    """
    clock, ledger = Clock(), Ledger()
    whole, forward = _forward(network, dims, clock, ledger, with_written_peaks)
    symbols = list(wrt)
    names = [symbol_name(s) for s in symbols]
    _check_wrt(whole, names)
    assert network.loss is not None
    forward = clock("share", proportional, clock("hoist", hoist_outermost, forward))
    first = clock("differentiate", jacobian, forward, (network.loss,), names, reuse, ledger)
    program, slopes = _named(_joined(forward, first.statements, first.tensors), first)
    program = clock("hoist", hoist_outermost, replace(program, outputs=tuple(slopes)))
    program = clock("share", proportional, clock("share", share, program))
    second = clock("differentiate", jacobian, program, tuple(slopes), names, reuse, ledger)
    number = places(forward, symbols)
    entries = {
        (slopes[row], column): value
        for (row, column), value in second.entries.items()
        if number[slopes[row]] <= number[column]
    }
    backward = _joined(program, second.statements, second.tensors)
    kept = [a.name for value in entries.values() for a in accesses(value)]
    own = dict.fromkeys(n for n in kept if backward.tensors[n].role == "defined")
    backward = replace(backward, outputs=(network.loss, *own))
    backward = clock("prune", prune, clock("share", share, backward))
    backward = clock("prune", prune, clock("share", proportional, backward))
    return Derivation(
        network,
        dict(dims or {}),
        define(forward),
        check(clock("define", define, backward)),
        network.loss,
        {},
        {},
        tuple(ledger.steps),
        reuse,
        jacobian=entries,
        seconds=clock.seconds,
    )


def _named(program: Program, first: Jacobian) -> tuple[Program, dict[str, Access]]:
    """The program with a statement for each first derivative that is no number, and what it is for."""
    statements: list[Statement] = []
    slopes: dict[str, Access] = {}
    for (output, source), value in first.entries.items():
        if not value.is_number:
            place = "".join(f"_{i}" for i in source.indices)
            name = free_name(f"slope d{output}/d{source.name}{place}", {*program.tensors, *slopes})
            statements.append(Statement(name, (), value))
            slopes[name] = source
    return _joined(program, statements, [Tensor(name, ()) for name in slopes]), slopes


def hessian_kernel(derivation: Derivation, wrt: Iterable[Any]) -> Kernel:
    """The second derivatives of a network of single numbers as one array per sample.

    Args:
        wrt: the symbols whose entries, one after the other, are the rows and columns.
    """
    net = derivation.network
    own = {a.name for value in derivation.jacobian.values() for a in accesses(value)}
    outputs = tuple(n for n in derivation.backward_program.outputs if n in own)
    program = batch(_only(derivation.backward_program, outputs), {})
    result = free_name("hessian", program.tensors)
    program = _finish(program, derivation)
    number = places(derivation.forward_program, wrt)
    found: dict[tuple[int, ...], sp.Expr] = {}
    for (row, column), value in derivation.jacobian.items():
        at = number[row], number[column]
        found[at] = found[at[::-1]] = per_sample(value, program)
    program = check(_only(pack(program, result, (len(number), len(number)), found), (result,)))
    return Kernel("hessian", program, _inputs(net), (), (result,), (), point=True)


def derive_product(
    network: Network,
    *,
    wrt: Iterable[Any] | None = None,
    dims: dict[str, int] | None = None,
    reuse: bool = True,
) -> Derivation:
    """Lower a network, differentiate its loss, and the gradient once more along a direction.

    What stands for the loss is its derivative along that direction, and for the gradients the products of
    the Hessian with the direction.

    Args:
        wrt, dims, reuse: as in `symbp.pipeline.derive`; either parameters or inputs.

    Raises:
        SymbpError: naming the equation that cannot be compiled.
    """
    clock, ledger = Clock(), Ledger()
    whole, forward = _forward(network, dims, clock, ledger)
    names = [symbol_name(s) for s in (network.parameters if wrt is None else wrt)]
    _check_wrt(whole, names)
    assert network.loss is not None
    adjoints, forward, backward = _both_passes(forward, network.loss, names, reuse, clock, ledger)
    directions: dict[str, str] = {}
    for name in names:
        directions[name] = free_name(f"{name} direction", {*backward.tensors, *directions.values()})
    given = [replace(backward.tensors[n], name=d) for n, d in directions.items()]
    backward = _joined(backward, [], given)
    along = clock("differentiate", tangents, backward, directions, reuse, ledger)
    backward = _joined(backward, along.statements, along.tensors)
    backward, found = _with_zeros(backward, (network.loss, *adjoints.gradients.values()), along.names)
    products = {name: found[gradient] for name, gradient in adjoints.gradients.items()}
    backward = replace(backward, outputs=tuple(found.values()))
    backward = roll_maxima(clock("hoist", hoist_outermost, clock("prune", prune, backward)))
    backward = clock("contract", contract, clock("share", share, backward))
    backward = clock("define", define, clock("prune", prune, backward))
    return Derivation(
        network,
        dict(dims or {}),
        define(forward),
        check(clock("simplify", common_numbers, backward)),
        found[network.loss],
        products,
        {},
        tuple(ledger.steps),
        reuse,
        frozenset(adjoints.slopes),
        directions=tuple(directions.values()),
        seconds=clock.seconds,
    )


def _with_zeros(
    program: Program, names: Iterable[str], tangents: Mapping[str, str]
) -> tuple[Program, dict[str, str]]:
    """The tangents of some tensors, with zeros for what does not depend on the direction."""
    found: dict[str, str] = {}
    zeros: list[tuple[Statement, Tensor]] = []
    for name in names:
        found[name] = tangents.get(name) or free_name(f"{name} along", {*program.tensors, *found.values()})
        if name not in tangents:
            shape = program.tensors[name].shape
            free = tuple(Index("ijklmpqr"[k], n) for k, n in enumerate(shape))
            zeros.append((Statement(found[name], free, sp.S.Zero), Tensor(found[name], shape)))
    return _joined(program, [s for s, _ in zeros], [t for _, t in zeros]), found
