import random
from importlib import import_module

import pytest
import sympy as sp

from symbp.ir import Access, undecided
from symbp.ir.undecided import FACTS, is_told, tell

entries = [Access(n) for n in "abcd"]
NUMBERS = [sp.Integer(2), sp.Rational(-1, 3), sp.sqrt(2), sp.pi, sp.S.Half, sp.Float(0.25)]
SIGNS = ["zero", "positive", "negative", "nonzero", "nonnegative", "nonpositive", "real", "finite"]
FUNCTIONS = [sp.exp, sp.log, sp.sin, sp.tanh, sp.Abs, sp.sign, sp.floor, lambda u: sp.Max(u, 0)]


def drawn(seed):
    """An expression, the same for the same seed, but not the same object."""
    sp.core.cache.clear_cache()
    choose = random.Random(seed)

    def part(depth):
        if depth == 0:
            return choose.choice([*entries, *NUMBERS])
        u, v = part(depth - 1), part(depth - 1)
        ways = [
            lambda: u + v,
            lambda: u * v,
            lambda: u**2 * v,
            lambda: u / (1 + v**2),
            lambda: sp.sqrt(u**2 + 1),
            lambda: choose.choice(FUNCTIONS)(u),
        ]
        return choose.choice(ways)()

    return part(3)


@pytest.mark.parametrize("seed", range(60))
def test_no_answer_is_another(seed):
    plain, told = drawn(seed), drawn(seed)
    if plain.has(sp.zoo, sp.nan, sp.I):
        pytest.skip("no real expression")
    tell(told)
    for fact in (*SIGNS, *FACTS):
        assert getattr(told, f"is_{fact}") == getattr(plain, f"is_{fact}"), (told, fact)


def test_sympy_does_not_search(monkeypatch):
    a, b = entries[:2]
    body = a * b + sp.sin(a + 2 * b)
    asked = set()
    assumptions = import_module("sympy.core.assumptions")  # SymPy has a function of that name
    ask = assumptions._ask
    monkeypatch.setattr(assumptions, "_ask", lambda fact, of: asked.add(fact) or ask(fact, of))
    tell(body)
    assert is_told(body)
    assert body.is_zero is None
    assert asked
    assert not asked & set(FACTS)


def test_what_may_be_an_integer_is_left_alone():
    a = entries[0]
    for body in (sp.sign(a) + 1, sp.floor(a), 1 / (1 + sp.exp(a)), sp.Symbol("n", integer=True) * 2):
        tell(body)
    assert (sp.floor(a) + 1).is_integer is True
    assert (1 / (1 + sp.exp(a))).is_integer is False
    assert not is_told(sp.Symbol("n", integer=True) * 2) or (sp.Symbol("n", integer=True) * 2).is_even


def test_it_ends_early(monkeypatch):
    monkeypatch.setattr(undecided, "MOST", 4)
    body = entries[0]
    for k in range(9):
        body = sp.sin(body + k)
    tell(body)
    assert not is_told(body)
