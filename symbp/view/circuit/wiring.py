"""Gates while they are being collected: equal operations on equal operands are one gate."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from symbp.errors import UnsupportedError
from symbp.view.circuit.gates import MAX_GATES, Gate


@dataclass(frozen=True)
class _Node:
    operation: str
    formula: Any
    operands: tuple[int, ...]
    ordered: bool = False
    name: str | None = None


class Wiring:
    """Nodes by number, operands first.

    Args:
        binary: sums and products of more than two operands are to be chains of two.

    Attributes:
        symbols: name of a symbol or of a defined result -> the number of its node.
    """

    def __init__(self, binary: bool = False):
        self.binary = binary
        self.symbols: dict[str, int] = {}
        self._nodes: list[_Node] = []
        self._ranks: list[tuple] = []
        self._known: dict[Any, int] = {}

    def symbol(self, name: str, role: str) -> None:
        """Enter data: a node without operands."""
        self.symbols[name] = self._append(_Node(role, None, (), name=name))
        self._ranks[-1] = (natural(name), 0, len(self._nodes))

    def add(self, operation: str, formula: Any, operands: tuple[int, ...], ordered: bool = False) -> int:
        """The node for an operation; the one that is there already where the operands are the same."""
        key = (operation, formula, operands)
        if key not in self._known:
            self._known[key] = self._append(_Node(operation, formula, operands, ordered))
        return self._known[key]

    def name(self, node: int, name: str) -> None:
        """Give a node the name of an equation; one that has a name is copied."""
        if self._nodes[node].name is not None:
            node = self._append(_Node("=", placeholder(0), (node,)))
        self._nodes[node] = replace(self._nodes[node], name=name)
        self.symbols[name] = node

    def is_symbol(self, node: int) -> bool:
        return self._nodes[node].formula is None

    def rank(self, node: int) -> tuple:
        """Sorts operands: by their first symbol, the longer way first."""
        return self._ranks[node]

    def gates(self, outputs: Iterable[str]) -> tuple[Gate, ...]:
        """The named nodes and all they depend on, operands first; nodes without a name are g1, g2, ..."""
        kept: set[int] = set()
        stack = [self.symbols[name] for name in outputs]
        while stack:
            at = stack.pop()
            if at not in kept:
                kept.add(at)
                stack.extend(self._nodes[at].operands)
        names: dict[int, str] = {}
        count = 0
        taken = {n.name for n in self._nodes}
        for k in sorted(kept):
            name = self._nodes[k].name
            while name is None:
                count += 1
                name = f"g{count}" if f"g{count}" not in taken else None
            names[k] = name
        return tuple(self._gate(k, names) for k in sorted(kept))

    def _gate(self, k: int, names: dict[int, str]) -> Gate:
        node = self._nodes[k]
        return Gate(
            names[k],
            node.operation,
            tuple(names[o] for o in node.operands),
            ordered=node.ordered,
            named=node.name is not None,
            formula=node.formula,
        )

    def _append(self, node: _Node) -> int:
        if len(self._nodes) >= MAX_GATES:
            raise UnsupportedError(
                f"the circuit has more than {MAX_GATES} gates",
                hint="draw a part of the expression; of a network, draw one gate per equation with "
                'per="equation"',
            )
        first = min((self._ranks[o] for o in node.operands), default=((), 0, 0))
        depth = min((self._ranks[o][1] for o in node.operands), default=0) - 1
        self._nodes.append(node)
        self._ranks.append((first[0], depth, len(self._nodes)))
        return len(self._nodes) - 1


def placeholder(k: int) -> sp.Symbol:
    """What stands for the k-th operand in a formula; zeros in front, as SymPy sorts arguments by name."""
    return sp.Symbol(f"x{k:03d}", real=True)


def natural(name: str) -> tuple:
    """w2 before w10."""
    parts = re.split(r"(\d+)", name[:200])
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p)
