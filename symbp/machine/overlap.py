"""Which arrays of a function surely do not overlap, as far as its text tells.

LLVM knows no more than that; where it does not know, it writes code that looks at addresses, and loops of few
rounds get no vectors then.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symbp.machine.names import Names


@dataclass(frozen=True)
class Origin:
    """Where an array may lie.

    Attributes:
        places: arguments and rooms.
        row: the text of all extents but the first, of a view.
    """

    places: frozenset[str]
    row: str = ""


class Overlap:
    """The arrays of a function.

    Attributes:
        rooms: its arrays that are new memory, as far as LLVM is told.
        known: whether it is told; see `sums_freely`.
    """

    def __init__(self, definition: ast.FunctionDef, names: Names):
        self.rooms: set[str] = set()
        self.known = not sums_freely(definition, names)
        self.origins = {a.arg: Origin(frozenset([a.arg])) for a in definition.args.args}
        for node in _in_order(definition.body):
            if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name):
                found = self._origin(node.value, target.id)
                known = self.origins.pop(target.id, found)
                if found and known:  # of two kinds of array it may be either
                    row = found.row if found.row == known.row else "?"
                    self.origins[target.id] = Origin(found.places | known.places, row)

    def _origin(self, value: ast.expr, name: str) -> Origin | None:
        if isinstance(value, ast.Name):
            return self.origins.get(value.id)
        if isinstance(value, ast.IfExp):
            either = [self._origin(v, name) for v in (value.body, value.orelse)]
            places = frozenset[str]().union(*(o.places for o in either if o))
            return Origin(places, "?") if all(either) else None
        if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Name)):
            return None
        if value.func.id == "room":
            if self.known:
                self.rooms.add(name)
            return Origin(frozenset([name]))
        if value.func.id == "view" and isinstance(value.args[0], ast.Name):
            whole, shape = self.origins.get(value.args[0].id), value.args[2]
            row = ast.unparse(ast.Tuple(shape.elts[1:], ast.Load())) if isinstance(shape, ast.Tuple) else "?"
            return Origin(whole.places, row) if whole else None
        return None

    def none_in(self, statements: list[ast.stmt]) -> bool:
        """Whether what statements write into arrays overlaps with nothing else that they read or write, but
        for the same entries."""
        used = [n for s in statements for n in ast.walk(s) if isinstance(n, ast.Subscript)]
        return all(
            self._apart(one, other) for one in used if isinstance(one.ctx, ast.Store) for other in used
        )

    def _apart(self, one: ast.Subscript, other: ast.Subscript) -> bool:
        a, b = (self.origins.get(ast.unparse(n.value)) for n in (one, other))
        if a is None or b is None:
            return False
        if a.places & b.places:
            # Entries of one room that are as far apart in every round.
            alike = len(a.places) == len(b.places) == 1 and a.row == b.row != "?"
            return (alike or ast.dump(one.value) == ast.dump(other.value)) and ast.dump(
                one.slice
            ) == ast.dump(other.slice)
        return a.places <= self.rooms or b.places <= self.rooms


def sums_freely(definition: ast.FunctionDef, names: Names) -> bool:
    """Whether LLVM may change the order of sums by what it knows of memory.

    A workspace is a room in the kernel of one thread, and an argument in that which threads share; both have
    to compute the same numbers.
    """
    for node in ast.walk(definition):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if "fastmath" in names.decorators(node.func.id):
                return True
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            called = [n.func for n in ast.walk(node.value) if isinstance(n, ast.Call)]
            if any(isinstance(f, ast.Name) and f.id.startswith("accumulate") for f in called):
                return True
    return "fastmath" in names.decorators(definition.name)


def _in_order(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in statements:
        yield statement
        for inner in ("body", "orelse"):
            yield from _in_order(getattr(statement, inner, []))
