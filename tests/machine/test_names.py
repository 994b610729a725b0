import pytest

from symbp.machine.names import Names, pieces
from symbp.machine.values import NotCovered
from symbp.machine.vocabulary import WORDS

TEXT = '''"""A module.

def no_function():
"""

import math
from contextlib import contextmanager
from numba import njit, types
from numba.extending import intrinsic as own

@own
def same(typingctx, a):
    return a(a), None

@njit(error_model="numpy")
def twice(a):
    return 2*a

ROOT, SIGN = math.sqrt(4.0), -1
SEEN: list = []

class Pair:
    """Two of a kind."""

    count = note("pair", 2)

def note(what, value):
    SEEN.append(what)
    return value

@contextmanager
def around(
    number,
):
    yield second(number)

def second(number):
    return number + Pair.count

LONG = len("""\\
x = 1
""")
NOTED = note("noted", LONG)
'''


def test_names_mean_what_they_mean_without_numba():
    names = Names(TEXT)
    assert names["types"] is WORDS["types"]
    assert (names["ROOT"], names["SIGN"]) == (2, -1)
    assert names["twice"](3) == names["twice"].py_func(3) == 6
    signature, _ = names["same"]._defn(None, names["types"].float32)
    assert signature.args == (names["types"].float32,)


def test_only_what_is_needed_is_made():
    names = Names(TEXT)
    assert names["twice"](1) == 2
    assert names["SEEN"] == []
    with names["around"](1) as found:
        assert found == 3
    assert names["SEEN"] == ["pair"]
    assert names["NOTED"] == 6
    assert names["SEEN"] == ["pair", "noted"]


def test_who_may_look_for_any_name_finds_all():
    text = "def found(name):\n    return globals()[name]\n\ndef other():\n    return 1\n"
    assert Names(text)["found"]("other")() == 1


def test_what_mentions_each_other_is_made_in_the_order_of_need():
    text = """
def first(x):
    return second + x

class Kind:
    size = first(1)

    def grown(self):
        return last

second = 2

def other(Kind=second):
    return Kind

last = first(3) + Kind.size + other()
"""
    for name in ("first", "Kind", "last", "other"):
        names = Names(text)
        assert names[name]
        assert (names["last"], names["first"](1), names["Kind"]().grown()) == (10, 3, 10)


def test_functions_are_known_by_their_name():
    names = Names(TEXT)
    assert names.definition("twice").name == "twice"
    assert names.definition("around").args.args[0].arg == "number"
    assert names.definition("ROOT") is names.definition("Pair") is names.definition("none") is None
    assert "x" not in names
    assert "no_function" not in names


def test_a_text_is_cut_at_its_margin():
    text = "a = [\n    1,\n]\n# of a\n\n@one\n@two\ndef f(\n    x,\n):\n    return x\n"
    first, second = pieces(text)
    assert first == "a = [\n    1,\n]\n# of a\n\n"
    assert first + second == text


def test_other_names_of_numba_are_left_to_it():
    with pytest.raises(NotCovered, match="prange of Numba"):
        Names("from numba import prange")


def test_other_statements_are_left_to_numba():
    with pytest.raises(NotCovered, match="the statement if True:"):
        Names("if True:\n    a = 1\n")
