import pytest
import sympy as sp

from symbp.errors import DataError
from symbp.network import Network
from symbp.runtime.outputs import Outputs

x, y, w, a, b, E = sp.symbols("x y w a b E")
n = sp.Symbol("n", integer=True, positive=True)
u = sp.IndexedBase("u", shape=(n,))
k = sp.Symbol("k", integer=True)
EQUATIONS = [sp.Eq(a, w * x), sp.Eq(b, sp.Sum(u[k], (k, 0, n - 1)) / n), sp.Eq(E, a * y + b)]
OUTPUTS = Outputs(Network(EQUATIONS, inputs=[x, y, u], parameters=[w], loss=E), ["n"])


def test_chosen_by_name_or_symbol():
    assert OUTPUTS.chosen(["E", a, "E"]) == ("E", "a")
    assert OUTPUTS.chosen("a") == OUTPUTS.chosen(a) == ("a",)
    for wrong in ([], "x", ["nothing"], 3, [None], None):
        with pytest.raises(DataError):
            OUTPUTS.chosen(wrong)


def test_computable_from_the_inputs_given():
    assert OUTPUTS.computable(["x"]) == ("a",)
    assert OUTPUTS.computable(["u"]) == ("b",)
    assert OUTPUTS.computable(["x", "y"]) == ("a",)
    assert OUTPUTS.computable(["y", "u", "x"]) == ("a", "b", "E")
    with pytest.raises(DataError) as caught:
        OUTPUTS.computable(["y"])
    assert "x, u" in caught.value.hint


def test_needed_inputs():
    assert OUTPUTS.needed(["a"]) == ("x",)
    assert OUTPUTS.needed(["b", "a"]) == ("x", "u")
    assert OUTPUTS.needed(["E"]) == ("x", "y", "u")
