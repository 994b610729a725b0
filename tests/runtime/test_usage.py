"""How parameters are used, as far as their first values depend on it."""

import sympy as sp

import symbp as sb
from symbp.runtime.usage import Usage, usage

x, w, b, v, E = sp.symbols("x w b v E")


def used(expression, **options):
    net = sb.Network([sp.Eq(E, expression, evaluate=False)], inputs=[x], parameters=[w, b, v], **options)
    return usage(net)


def test_places():
    found = used(sp.tanh(w * x + b) - sp.sqrt(2) * v)
    assert found["w"] == Usage(place="multiplied")
    assert found["b"] == Usage(place="added")
    assert found["v"] == Usage(place="added")  # a number in front leaves an addition what it is


def test_relu_like_functions():
    found = used(sp.Max(0, w * x) + sp.Piecewise((b * x, x > 0), (0, True)) + sp.Max(1, v * x))
    assert found["w"].relu
    assert found["b"].relu
    assert not found["v"].relu


def test_matrices_of_ones_are_no_numbers():
    W, h = sb.matrix("W", 2, 3), sb.vector("h", 2)
    scale = sb.scalar("scale")
    net = sb.Network(
        [sp.Eq(h, W * sb.vector("u", 3) + scale * sp.OneMatrix(2, 1))],
        inputs=[sb.vector("u", 3)],
        parameters=[W, scale],
    )
    assert usage(net)["scale"] == Usage(place="multiplied")


def test_deep_products_take_no_recursion():
    e = x
    for _ in range(3000):
        e = sp.Mul(w, sp.Add(e, b, evaluate=False), evaluate=False)
    assert used(e)["w"].place == "multiplied"
