"""The yardstick of costs."""

from symbp.view.lecture import LECTURE, lecture_ratios


def test_ratios_are_those_of_cheap_gradients():
    ratios = lecture_ratios()
    assert list(ratios) == list(LECTURE)
    # The gradient costs at most four times the value (Griewank, Walther: Evaluating Derivatives, 2008).
    assert all(0.2 < r < 4 for r in ratios.values())
    assert ratios["three layers 3-4-4-1"] > ratios["neuron 2-1"]
