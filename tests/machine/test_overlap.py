import ast

import pytest

from symbp.machine.names import Names
from symbp.machine.overlap import Overlap, sums_freely
from tests.machine.texts import HEAD

TEXT = """
def run(x, work, out):
    own = room(100, 0.0)
    more = room(100, 0.0)
    a = view(own, at(0), (rows, 10))
    b = view(own, at(50), (rows, 10))
    c = view(own, at(90), (rows,))
    d = view(work, at(0), (rows, 10))
    e = view(x, start*10, (rows, 10))
    f = view(more, at(0), (rows, 10))
    for turn in range(2):
        either = own if turn else view(work, at(3), (10,))
        fresh = own if turn else more
        last = fresh
        last = view(own, at(3), (10,))
        number = x[0] if turn else 2.0
"""
CASES = {
    "a[n, i] = a[n, i] + b[n, i]": True,  # as far apart in every round
    "a[n, i] = b[n, i + 1]": False,
    "a[n, i] = c[n]": False,
    "a[n, i] = e[n, i] + f[n, i]*own_number": True,
    "f[n, i] = a[n, i] + c[n]": True,
    "d[n, i] = e[n, i]": False,  # two arguments
    "d[n, i] = a[n, i]": True,
    "e[n, i] = number": True,
    "either[i] = a[n, i]": False,
    "either[i] = e[n, i]": False,  # may lie in an argument
    "fresh[i] = e[n, i]": True,
    "fresh[i] = fresh[i]": True,
    "fresh[i] = own[i]": False,  # of one room or another
    "last[i] = f[n, i]": False,
    "last[i] = e[n, i]": True,
    "a[n, i] += unknown[i]": False,
    "total += d[n, i]*e[n, i]": True,  # nothing is written
}


@pytest.mark.parametrize("line", CASES)
def test_what_a_text_tells_of_arrays(line):
    names = Names(TEXT)
    assert Overlap(names.definition("run"), names).none_in(ast.parse(line).body) == CASES[line]


FAST = """
@njit(nogil=True, fastmath={"reassoc", "contract"})
def fast(a):
    a[0] = 1.0

@njit(nogil=True)
def slow(a):
    a[0] = 1.0
"""


@pytest.mark.parametrize(
    ("line", "free"),
    [
        ("a[0] = a[0] + 1.0", False),
        ("slow(a)", False),
        ("fast(a)", True),
        ("total = accumulate(total, a[0])", False),
        ("a[0] = accumulate(a[0], a[1])", True),
        ("a[0] = accumulate_product(a[0], a[1], a[2])", True),
    ],
)
def test_sums_in_any_order(line, free):
    names = Names(f"{HEAD}{FAST}\n@njit\ndef run(a):\n    total = 0.0\n    {line}\n")
    definition = names.definition("run")
    assert sums_freely(definition, names) is free
    assert Overlap(definition, names).known is not free
    assert sums_freely(names.definition("fast"), names)
