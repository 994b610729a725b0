"""Which greatest exponents may be minus infinity: those of sums in which nothing counts.

    m = max_i (z_i + mask_i)            data that is added to the exponents
    m = max_i (z_i where w_i != 0)      factors, branches and -oo that leave exponents out
    m = max_i log(c_i)                  logarithms

The exponents of a plain softmax are outputs of a layer, products of weights with what comes before, added
up: finite as the weights are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symbp.ir.nodes import Access, Statement, Tensor
from symbp.ir.walk import is_leaf, postorder


@dataclass(frozen=True)
class _Made:
    """What exponents are made of.

    Attributes:
        open: whether there is anything that may be infinite by itself: data, -oo, a logarithm.
        weights: whether there are parameters, by themselves.
        layers: whether there are sums of products.
    """

    open: bool = False
    weights: bool = False
    layers: bool = False

    def __or__(self, other: _Made) -> _Made:
        return _Made(self.open or other.open, self.weights or other.weights, self.layers or other.layers)


def may_be_of_nothing(
    peak: Statement,
    by_name: Mapping[str, Statement],
    tensors: Mapping[str, Tensor],
    finite_logarithms: frozenset[str],
) -> bool:
    """Whether a greatest exponent may be minus infinity without a weight being so.

    Args:
        finite_logarithms: sums of exponentials from which the greatest was subtracted.
    """
    reader = _Reader(by_name, tensors, finite_logarithms)
    made = reader.made(peak.body)
    return bool(peak.where) or made.open or (made.weights and not made.layers)


class _Reader:
    def __init__(
        self, by_name: Mapping[str, Statement], tensors: Mapping[str, Tensor], shifted: frozenset[str]
    ):
        self.by_name, self.tensors, self.shifted = by_name, tensors, shifted
        self.known: dict[str, _Made] = {}

    def made(self, body: Any) -> _Made:
        done: dict[Any, _Made] = {}
        for node in postorder([body]):
            if isinstance(node, Access):
                done[node] = self.tensor(node.name)
            elif node in (sp.oo, -sp.oo):
                done[node] = _Made(open=True)
            elif is_leaf(node):
                done[node] = _Made()
            elif self.is_product(node):
                done[node] = _Made(layers=True)
            else:
                found = _Made(open=isinstance(node, sp.log) and not self.is_shifted(node.args[0]))
                for arg in node.args:
                    found |= done[arg]
                done[node] = found
        return done[body]

    def is_product(self, node: Any) -> bool:
        """Whether it is a product of entries: a term of a layer."""
        factors = [f for f in sp.Mul.make_args(node) if not f.is_number]
        return len(factors) > 1 and all(isinstance(f, Access) for f in factors)

    def is_shifted(self, inside: Any) -> bool:
        """Whether it is at least 1, one of its exponentials being that of 0."""
        return isinstance(inside, Access) and inside.name in self.shifted

    def tensor(self, name: str) -> _Made:
        if name not in self.known:
            self.known[name] = self.read(name)
        return self.known[name]

    def read(self, name: str) -> _Made:
        s = self.by_name.get(name)
        if s is not None:
            products = s.reduce == "sum" and all(map(self.is_product, sp.Add.make_args(s.body)))
            return _Made(layers=True) if products else self.made(s.body)
        tensor = self.tensors.get(name)
        if tensor is not None and tensor.role == "parameter":
            return _Made(weights=True)
        return _Made(open=tensor is None or tensor.role in ("input", "label"))
