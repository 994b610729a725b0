"""The yardstick of costs."""

import symbp as sb
from symbp.view.lecture import LECTURE, lecture_ratios


def test_ratios_are_those_of_cheap_gradients():
    ratios = lecture_ratios()
    assert list(ratios) == list(LECTURE)
    # The gradient costs at most four times the value (Griewank, Walther: Evaluating Derivatives, 2008).
    assert all(0.2 < r < 4 for r in ratios.values())
    cost = sb.derive(sb.mlp(LECTURE["XNOR 2-2-1"], activation="sigmoid", output="sigmoid")).cost
    assert ratios["XNOR 2-2-1"] == cost.backward / cost.forward
