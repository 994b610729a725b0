"""Programs and bodies with other names of tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from symbp.ir.nodes import Access, Program
from symbp.ir.walk import accesses, substitute


def renamed_body(body: Any, swap: Mapping[str, str]) -> Any:
    """A body in which tensors have other names."""
    return substitute(body, {a: Access(swap[a.name], *a.indices) for a in accesses(body) if a.name in swap})


def renamed(program: Program, swap: Mapping[str, str]) -> Program:
    """A program in which tensors have other names."""
    if not swap:
        return program
    statements = (
        replace(
            s,
            target=swap.get(s.target, s.target),
            body=renamed_body(s.body, swap),
            where=tuple(renamed_body(w, swap) for w in s.where),
        )
        for s in program.statements
    )
    tensors = {swap.get(n, n): replace(t, name=swap.get(n, n)) for n, t in program.tensors.items()}
    return Program(tensors, tuple(statements), program.outputs)
