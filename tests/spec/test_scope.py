"""Names mean one thing each."""

import pytest

from symbp.spec.scope import Scope
from tests.spec.reading import s, t


def test_meanings():
    scope = Scope({"double": abs}, {"s": s})
    meanings = {name: scope.meaning(name) for name in ("pi", "double", "sum", "where", "s", "exp", "t")}
    assert meanings == {
        "pi": "constant",
        "double": "function",
        "sum": "function",
        "where": "function",
        "s": "name",
        "exp": None,
        "t": None,
    }


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("pi", "taken by a constant"),
        ("double", "taken by a function"),
        ("piecewise", "taken by a function"),
        ("s", "declared twice"),
        ("ｐｉ", "the name 'pi' is taken by a constant"),
        ("ſ", "declared twice"),  # a long s, which Python reads as s
    ],
)
def test_a_name_is_defined_once(name, problem):
    scope = Scope({"double": abs}, {"s": s})
    with pytest.raises(ValueError, match=problem):
        scope.define(name, t)
    assert scope.names == {"s": s}
    assert scope.clash("t") is None


def test_names_are_kept_in_the_form_that_python_reads():
    scope = Scope({}, {"ϕ": s})
    assert scope.names == {"φ": s}
    scope.define("ℎ", t)
    assert scope.names["h"] == t
