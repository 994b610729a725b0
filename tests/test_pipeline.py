"""The pipeline as a whole: random models, linear cost, golden listings."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import symbp as sb
from symbp import nn
from symbp.ir import check, program_text
from symbp.ir.walk import operations
from symbp.network import Network
from symbp.pipeline import derive, gradient_kernel
from tests.catalogue import CATALOGUE, NAMES, scalars
from tests.passes.stages import assert_gradients

GOLDEN = Path(__file__).parent / "golden"
LISTED = ("chain_rule", "dense_sigmoid", "labels_softmax", "convolution", "triangular_sum", "log_sum_exp")
x, w, v, E = scalars("x w v E")


@pytest.mark.parametrize("name", LISTED)
def test_golden_listings(name):
    text = program_text(CATALOGUE[name].derivation.backward_program) + "\n"
    assert text == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_kernels_are_well_formed_and_derivation_is_repeatable(name):
    derivation = CATALOGUE[name].derivation
    again = derive(CATALOGUE[name].network())
    assert program_text(again.backward_program) == program_text(derivation.backward_program)
    kernel = gradient_kernel(derivation)
    check(kernel.program)
    assert len(kernel.gradient) == len(derivation.gradients)


def expressions():
    leaves = st.sampled_from([x, w, v, sp.Integer(2), sp.Rational(1, 3)])
    one = [
        sp.sin,
        sp.cos,
        sp.tanh,
        sp.atan,
        nn.sigmoid,
        lambda e: sp.exp(sp.sin(e)),
        lambda e: sp.sqrt(1 + e**2),
    ]

    def grow(inner):
        return st.one_of(
            st.tuples(st.sampled_from(one), inner).map(lambda p: p[0](p[1])),
            st.tuples(inner, inner).map(lambda p: p[0] + p[1]),
            st.tuples(inner, inner).map(lambda p: p[0] * p[1]),
        )

    return st.recursive(leaves, grow, max_leaves=10)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(expressions())
def test_random_expressions(e):
    derivation = derive(Network([sp.Eq(E, e, evaluate=False)], inputs=[x], parameters=[w, v], loss=E))
    values = {"x": np.array(0.6), "w": np.array(-0.4), "v": np.array(0.9)}
    assert_gradients(derivation, values, 1e-11)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=4), st.sampled_from(sorted(nn.ACTIVATIONS)))
def test_random_networks(sizes, activation):
    derivation = derive(sb.mlp(sizes, activation=activation))
    random = np.random.default_rng(sum(sizes))
    values = {
        t.name: 0.8 * random.normal(size=t.shape)
        for t in derivation.forward_program.by_role("input", "parameter")
    }
    assert_gradients(derivation, values, 1e-11)


def size(derivation):
    statements = derivation.backward_program.statements
    return len(statements), sum(operations(s.body) for s in statements)


def chain(length):
    h = [x, *(nn.scalar(f"h{k}") for k in range(length))]
    equations = [sp.Eq(b, sp.tanh(w * a + v)) for a, b in itertools.pairwise(h)]
    return Network([*equations, sp.Eq(E, h[-1] ** 2)], inputs=[x], parameters=[w, v], loss=E)


@pytest.mark.parametrize("build", [chain, lambda n: sb.mlp((3,) * (n + 1), activation="sigmoid")])
def test_programs_grow_linearly(build):
    (a, p), (b, q), (c, r) = (size(derive(build(n))) for n in (10, 20, 40))
    assert (c - b) <= 2 * (b - a) * 1.1
    assert (r - q) <= 2 * (q - p) * 1.1
