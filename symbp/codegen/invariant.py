"""What a loop does not change: values that are read once, before it."""

from __future__ import annotations

import re

from symbp.codegen.scalar import Code


def invariant(code: Code, roots: list[int], variable: str) -> list[int]:
    """The values that do not depend on a loop variable, and are roots or used by some that do."""
    needed = code.needed(roots)
    varies: set[int] = set()
    for number in needed:
        line = code.lines[number]
        if line[0] == "int":
            depends = _mentions(line[1], variable)
        elif line[0] == "load":
            depends = any(_mentions(name, variable) for p in line[2] for name, _ in p.terms)
        else:
            depends = any(o in varies for o in code.operands(number))
        if depends:
            varies.add(number)
    border = {root for root in roots if root not in varies}
    border |= {o for number in varies for o in code.operands(number) if o not in varies}
    return sorted(k for k in border if code.lines[k][0] not in ("const", "int", "local"))


def _mentions(text: str, variable: str) -> bool:
    return re.search(rf"\b{re.escape(variable)}\b", text) is not None
