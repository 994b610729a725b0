"""Deriving a mixture takes work in proportion to its components: nothing is factored or compared pairwise."""

import pytest
import sympy as sp

import symbp as sb
from tests.calls import calls

X, E = sp.symbols("x E")


def _named(letter, count):
    return sp.symbols(f"{letter}0:{count}")


def softmax_weights(count):
    w, m = _named("w", count), _named("m", count)
    total = sp.Add(*map(sp.exp, w))
    density = sp.Add(*(sp.exp(a) / total * sp.exp(-((X - b) ** 2) / 2) for a, b in zip(w, m, strict=True)))
    return [sp.Eq(E, -sp.log(density))], [*w, *m]


def weights_of_their_own(count):
    w, m, p = _named("w", count), _named("m", count), _named("p", count)
    total = sp.Add(*map(sp.exp, w))
    density = sp.Add(*(a * sp.exp(-((X - b) ** 2) / 2) for a, b in zip(p, m, strict=True)))
    return [*(sp.Eq(a, sp.exp(b) / total) for a, b in zip(p, w, strict=True)), sp.Eq(E, -sp.log(density))], [
        *w,
        *m,
    ]


def plain_weights(count):
    w, m, c = _named("w", count), _named("m", count), _named("c", count)
    density = sp.Add(*(a * sp.exp(b * X + d) for a, b, d in zip(w, m, c, strict=True)))
    return [sp.Eq(E, -sp.log(density / sp.Add(*w)))], [*w, *m, *c]


def widths(count):
    w, m, s = _named("w", count), _named("m", count), _named("s", count)
    terms = [a - sp.exp(-2 * d) * (X - b) ** 2 / 2 - d for a, b, d in zip(w, m, s, strict=True)]
    return [sp.Eq(E, sp.log(sp.Add(*map(sp.exp, w))) - sp.log(sp.Add(*map(sp.exp, terms))))], [*w, *m, *s]


@pytest.mark.parametrize("mixture", [softmax_weights, weights_of_their_own, plain_weights, widths])
def test_work_is_in_proportion_to_the_components(mixture):
    for count in (2, 3, 4, 10):
        equations, parameters = mixture(count)
        net = sb.Network(equations, inputs=[X], parameters=parameters, loss=E)
        assert calls(lambda net=net: sb.derive(net)) < 2_000_000 * count
