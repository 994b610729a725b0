"""How many entries a form of a body must read at least, whatever it looks like.

A form with n operations reads at most n + 1 entries. Who needs more of them than it may have operations needs
not be searched for: writing fractions in many symbols is what takes long.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import sympy as sp

from symbp.ir.evaluate import evaluate_body
from symbp.ir.nodes import Access
from symbp.ir.walk import accesses, is_leaf, postorder

CHANGE = 1e-6
"""Relative change of the value that is no rounding."""

LEAST = 4
"""Entries of a body up to which it is not asked."""


def fewest_reads(body: sp.Expr, held: Mapping[Access, sp.Expr]) -> int:
    """Distinct entries that every form over the entries of `body` and `held` reads at least.

    An entry that the value depends on is read itself, or a held value of it is. Of entries no two of which
    are in the same held value, each takes a read of its own. 0 where functions of several arguments occur,
    which count as one operation.
    """
    entries = accesses(body)
    if len(entries) <= LEAST or not all(map(_is_simple, postorder([body, *held.values()]))):
        return 0
    inside = {e: {a for a, formula in held.items() if e in accesses(formula)} for e in entries}
    taken: set[Access] = set()
    count = 0
    for entry in sorted(_relevant(body, entries), key=lambda e: len(inside[e])):
        if not inside[entry] & taken:
            taken |= inside[entry]
            count += 1
    return count


def _is_simple(node: sp.Basic) -> bool:
    return is_leaf(node) or isinstance(node, sp.Add | sp.Mul | sp.Pow) or len(node.args) == 1


def _relevant(body: sp.Expr, entries: list[Access]) -> list[Access]:
    """The entries that the value of the body changes with, as far as some arguments tell."""
    random = np.random.default_rng(0)
    count = len(entries)
    found = np.zeros(count, bool)
    for low in (0.4, -1.6):
        base, other = random.uniform(low, 1.6, (2, count))
        points = {
            e.name: np.concatenate([[base[k]], np.where(np.arange(count) == k, other[k], base[k])])
            for k, e in enumerate(entries)
        }
        with np.errstate(all="ignore"):
            values = np.broadcast_to(evaluate_body(body, points), count + 1)
            changed = np.abs(values[1:] - values[0])
            found |= np.isfinite(changed) & (changed > CHANGE) & (changed > CHANGE * np.abs(values[0]))
    return [e for e, is_found in zip(entries, found, strict=True) if is_found]
