"""The checker: what every program must satisfy between passes. Failures are bugs of symbp."""

from __future__ import annotations

import sympy as sp

from symbp.ir.nodes import Access, Index, Program, Statement
from symbp.ir.walk import accesses, index_symbols, postorder


class InvalidProgram(AssertionError):
    """A pass produced a program that breaks a rule of the form."""


def check(program: Program) -> Program:
    """Return the program as it is, or raise InvalidProgram naming the statement."""
    defined = {t.name for t in program.tensors.values() if t.role != "defined"}
    for statement in program.statements:
        _check_statement(program, statement, defined)
        defined.add(statement.target)
    missing = [name for name in program.outputs if name not in defined]
    _require(not missing, "outputs {} are never defined", missing)
    return program


def _check_statement(program: Program, s: Statement, defined: set[str]) -> None:
    tensor = program.tensors.get(s.target)
    _require(tensor is not None, "undeclared target", s)
    assert tensor is not None
    _require(s.target not in defined, "defined twice", s)
    _require(tuple(i.extent for i in s.indices) == tensor.shape, "shape {}", tensor.shape, s)
    _require((s.reduce == "none") == (not s.bound), "reduction without bound index", s)
    _require(len(set(s.domain)) == len(s.domain), "an index twice", s)
    for part in (s.body, *s.where):
        for index in index_symbols(part):
            _require(index in s.domain, "free index {}", index, s)
        for access in accesses(part):
            _check_access(program, access, defined, s)
        for node in postorder([part]):
            _require(not isinstance(node, sp.Symbol), "stray symbol {}", node, s)


def _check_access(program: Program, access: Access, defined: set[str], s: Statement) -> None:
    _require(access.name in defined, "{} used before its definition", access.name, s)
    shape = program.tensors[access.name].shape
    _require(len(shape) == len(access.indices), "{} has shape {}", access, shape, s)
    for position, extent in zip(access.indices, shape, strict=True):
        if isinstance(position, Index):
            _require(bool(s.where) or _fits(position.extent, extent), "{} overruns {}", access, extent, s)
        elif position.is_Integer:
            _require(0 <= int(position) < extent, "{} is out of bounds", access, s)


def _fits(loop: object, axis: object) -> bool:
    return loop == axis or (isinstance(loop, int) and isinstance(axis, int) and loop <= axis)


def _require(condition: bool, message: str, *details: object) -> None:
    # Formatted only on failure: printing every body would dominate compile time.
    if not condition:
        raise InvalidProgram(message.format(*details[: message.count("{}")]) + f": {details[-1]}")
