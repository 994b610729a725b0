"""The generated source of gradient kernels: what the backward pass calls, and what is kept for it.

Read off the syntax tree of the module that `model.source` is the text of, so that no table or cost model can
say what the code does not do.
"""

import ast
import re
from collections import Counter

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.codegen.module import emit
from symbp.pipeline import gradient_kernel, value_kernel

e, log = sp.exp, sp.log
FUNCTION = re.compile(r"(^|_)(exp|expm1|log|log1p|tanh|sinh|cosh|sin|cos|erf|erfc|pow)(_|$)")
BACKWARD = re.compile(r"(total_|mean_)*(delta\d|dE_)")


def by_entry(formula):
    return lambda z: z.applyfunc(sp.Lambda(sp.Symbol("t"), formula(sp.Symbol("t"))))


NAMED = ("sigmoid", "tanh", "softplus", "silu", "elu", "selu", "gelu", "relu", "leaky_relu", "softsign")
SPELLED = {
    "sigmoid in exp": lambda t: 1 / (1 + e(-t)),
    "sigmoid in exp, the other way": lambda t: e(t) / (1 + e(t)),
    "tanh in exp": lambda t: (e(t) - e(-t)) / (e(t) + e(-t)),
    "tanh by the sigmoid": lambda t: 2 / (1 + e(-2 * t)) - 1,
    "softplus": lambda t: log(1 + e(t)),
    "log-sigmoid": lambda t: -log(1 + e(-t)),
    "silu in exp": lambda t: t * e(t) / (1 + e(t)),
    "exponential": lambda t: e(-t),
    "mish": lambda t: t * sp.tanh(log(1 + e(t))),
    "sine": sp.sin,
}
ACTIVATIONS = {name: name for name in NAMED} | {k: by_entry(f) for k, f in SPELLED.items()}
MORE = {"gelu": ["exp"], "sine": ["cos"]}
"""Functions in derivatives that are none of the value's."""


def called(node: ast.AST) -> list[str]:
    """Names of the functions of mathematics that are called, as often as they stand in the source."""
    calls = [n.func for n in ast.walk(node) if isinstance(n, ast.Call)]
    names = [f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in calls]
    return [name for name in names if FUNCTION.search(name)]


def stored(node: ast.AST) -> set[str]:
    """Names of the arrays that entries are written into."""
    stores = [n for n in ast.walk(node) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)]
    return {n.value.id for n in stores if isinstance(n.value, ast.Name)}


def computing(source: str) -> list[ast.For]:
    """The loop nests that compute equations; what stands in the loop over tiles is looked at one by one."""
    functions = [n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)]
    waiting = [
        n for f in functions if f.name.startswith("compute_") or f.name.endswith("_into") for n in f.body
    ]
    found = []
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.For) and getattr(node.target, "id", "") != "start":
            found.append(node)
        elif isinstance(node, ast.For | ast.If | ast.With):
            waiting[:0] = node.body
    assert found
    return found


def network(activation, layers=3):
    """Every layer has a size of its own: layers of one size may share their functions."""
    return sb.mlp([2, *range(3, 3 + layers), 2], activation=ACTIVATIONS[activation], loss="squared_error")


def source(derivation):
    """The text of the module with the gradient kernel, without compiling it."""
    return emit([gradient_kernel(derivation)])


@pytest.fixture(scope="module", params=ACTIVATIONS)
def model(request):
    derivation = sb.derive(network(request.param))
    return request.param, derivation, computing(source(derivation))


def test_the_backward_pass_calls_no_function(model):
    *_, functions = model
    backward = [f for f in functions if all(map(BACKWARD.match, stored(f)))]
    assert len(backward) >= 8
    assert [called(f) for f in backward] == [[]] * len(backward)


def test_no_preactivation_is_kept(model):
    """Of the hidden layers; the last one has none, its z is the output."""
    *_, functions = model
    kept = set().union(*map(stored, functions))
    assert not kept & {"z1", "z2", "z3"}
    assert {"a1", "a2", "a3", "z4"} <= kept


def test_the_gradient_calls_what_the_value_calls(model):
    """As often as the forward pass alone; where the derivative is of another kind, once more a layer."""
    name, derivation, functions = model
    forward = computing(emit([value_kernel(derivation)]))
    both, alone = (Counter(c for f in found for c in called(f)) for found in (functions, forward))
    assert sum((both - alone).values()) == 3 * len(MORE.get(name, []))


def test_deep_networks():
    functions = computing(source(sb.derive(network("softplus", layers=12))))
    kept = set().union(*map(stored, functions))
    assert not kept & {f"z{k}" for k in range(1, 13)}
    assert all(not called(f) for f in functions if all(map(BACKWARD.match, stored(f))))


def test_calls_are_seen():
    """The tests above can fail: the forward pass of a sigmoid calls exp once a layer."""
    text = sb.compile(network("sigmoid")).source
    calls = [c for f in computing(text) for c in called(f)]
    assert calls == [c for f in computing(source(sb.derive(network("sigmoid")))) for c in called(f)]
    assert len(calls) == 3


@pytest.mark.parametrize("name", ["softplus", "silu", "gelu", "selu", "mish"])
def test_the_gradient_is_right(name):
    model = sb.compile(network(name))
    random = np.random.default_rng(0)
    data = {"x": random.normal(size=(5, 2)), "y": random.normal(size=(5, 2))}
    assert model.check(model.init(seed=1), **data).passed
