"""Which equations a call computes, and which inputs it needs for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symbp.errors import DataError, NetworkError, shorten
from symbp.network import Network, names_used, symbol_name


class Outputs:
    """The results of a network by name, and what each is computed from.

    Args:
        known: names of the symbolic dimensions, which have values in equations.
    """

    def __init__(self, network: Network, known: Iterable[str]):
        self.inputs = tuple(symbol_name(s) for s in network.inputs)
        self._uses = {name: names_used(e) for name, e in zip(network.defined, network.equations, strict=True)}
        self._given = frozenset([*known, *(symbol_name(s) for s in network.parameters)])

    def chosen(self, outputs: Iterable[Any]) -> tuple[str, ...]:
        """Names of the results that are asked for, by name or symbol.

        Raises:
            DataError: no equation defines one of them, or there are none.
        """
        try:
            alone = isinstance(outputs, str) or hasattr(outputs, "free_symbols")
            names = tuple(dict.fromkeys(symbol_name(o) for o in ([outputs] if alone else outputs)))
        except (TypeError, NetworkError) as error:
            raise DataError("outputs must be names or symbols of equations") from error
        for name in names:
            if name not in self._uses:
                raise DataError(
                    f"no equation defines {shorten(name, 80)!r}",
                    hint=f"defined are: {shorten(', '.join(self._uses), 200)}",
                )
        if not names:
            raise DataError("outputs is empty")
        return names

    def computable(self, inputs: Iterable[str]) -> tuple[str, ...]:
        """Names of the results that these inputs are enough for.

        Raises:
            DataError: there are none.
        """
        have = {*inputs, *self._given}
        found = []
        for name, uses in self._uses.items():
            if have.issuperset(uses):
                have.add(name)
                found.append(name)
        if not found:
            missing = [n for n in self.inputs if n not in have]
            raise DataError(
                "no equation can be computed from the inputs given",
                hint=f"missing are: {shorten(', '.join(missing), 200)}",
            )
        return tuple(found)

    def needed(self, outputs: Iterable[str]) -> tuple[str, ...]:
        """Names of the inputs that these results depend on, in the network's order."""
        needed: set[str] = set()
        stack = list(outputs)
        while stack:
            name = stack.pop()
            if name not in needed:
                needed.add(name)
                stack.extend(self._uses.get(name, ()))
        return tuple(n for n in self.inputs if n in needed)
