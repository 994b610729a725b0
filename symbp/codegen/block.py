"""Long straight-line code as a block: text that one intrinsic lowers to LLVM.

Numba's own front end is superlinear in straight-line code (11 s for 2,000 assignments, 62 s for
5,000); the same as LLVM instructions takes well under a second. A line of a block is

    RESULT OP OPERAND...        numbers name earlier results

with `load BUFFER CONST INT:STRIDE...`, `store VALUE BUFFER CONST INT:STRIDE...`, `const TEXT`,
`int K`, `local K`, `call FUNCTION OPERAND...`, `out VALUE`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from symbp.codegen.functions import spelled
from symbp.codegen.scalar import Code

LONG = 60
"""Code with more instructions than this becomes a block."""

Flat = Callable[..., tuple[str, int, dict[str, int]]]
"""(tensor, positions) -> buffer text, constant offset, stride by integer text."""


@dataclass(frozen=True)
class Block:
    """A block's text and the Python texts of its arguments."""

    text: str
    buffers: tuple[str, ...]
    integers: tuple[str, ...]
    scalars: tuple[str, ...]
    outs: int


class _Table(dict):
    """Numbers for texts, in order of first use."""

    def __call__(self, text: str) -> int:
        return self.setdefault(text, len(self))


def block(code: Code, stores: Iterable[tuple], outs: Iterable[int], flat: Flat) -> Block:
    """The block that performs `stores` ((tensor, positions, value)) and returns `outs`."""
    stores, outs = list(stores), list(outs)
    buffers, integers, scalars = _Table(), _Table(), _Table()

    def place(tensor: str, positions: tuple) -> str:
        buffer, const, strides = flat(tensor, positions)
        terms = "".join(f" {integers(name)}:{stride}" for name, stride in strides.items())
        return f"{buffers(buffer)} {const}{terms}"

    waiting: dict[int, list] = {}
    for store in stores:
        waiting.setdefault(store[2], []).append(store)
    lines = []
    for number in code.needed([s[2] for s in stores] + outs):
        op, *args = code.lines[number]
        if op == "load":
            rest = place(*args)
        elif op == "int":
            rest = str(integers(args[0]))
        elif op == "local":
            rest = str(scalars(args[0]))
        elif op == "pow":
            op, rest = "call", " ".join(["power", *map(str, args)])
        elif op == "call":
            rest = " ".join([spelled(args[0]), *map(str, args[1:])])
        else:
            rest = " ".join(map(str, args))
        lines.append(f"{number} {op} {rest}")
        # A store right after its value keeps few values alive at a time.
        lines += [f"- store {number} {place(*s[:2])}" for s in waiting.get(number, ())]
    lines += [f"- out {number}" for number in outs]
    return Block("\n".join(lines), tuple(buffers), tuple(integers), tuple(scalars), len(outs))
