"""Expressions in messages: short, and never a reason to fail."""

import sympy as sp

from symbp.ir.brief import brief

x = sp.Symbol("x")


def test_does_not_print_large_trees():
    e = x
    for _ in range(60):
        e = sp.Mul(e, e, evaluate=False)
    assert "distinct nodes" in brief(e)
    assert brief(x + 1) == "x + 1"


def test_survives_what_cannot_be_printed():
    deep = x
    for _ in range(350):
        deep = sp.sin(deep, evaluate=False)
    assert "distinct nodes" in brief(deep) or brief(deep).startswith("sin(")
    assert brief(sp.Integer(10) ** 100000)


def test_what_is_cut_is_not_put_in_order():
    terms = [sp.Symbol(f"c{k}") * sp.exp(-k / x) for k in range(2, 40)]
    assert len(brief(sp.Add(*terms))) <= 300
    assert brief(1 + x**2 + sp.sin(x) * x) == str(1 + x**2 + sp.sin(x) * x)
