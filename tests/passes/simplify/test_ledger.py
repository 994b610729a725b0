import sympy as sp

from symbp.ir import Access
from symbp.passes.simplify.ledger import Ledger, Step


def test_the_same_step_is_noted_once():
    ledger = Ledger()
    step = Step("rule", "a", Access("x") * 2, Access("x"), 1, "symbolically")
    ledger.note(step)
    ledger.note(Step("rule", "a", Access("x") * 2, Access("x"), 1, "symbolically"))
    ledger.note(Step("rule", "b", sp.Integer(1), sp.Integer(2), 0, "by construction"))
    assert [s.target for s in ledger.steps] == ["a", "b"]
