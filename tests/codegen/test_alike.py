"""Operations that do the same with numbers made in the same way."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from symbp.codegen.alike import alike, levels
from symbp.codegen.module import emit
from symbp.codegen.point import Point, in_levels
from symbp.codegen.pointwise import straight
from symbp.codegen.support import line_operands
from tests.codegen.kernels import load
from tests.codegen.test_lockstep import X, Y, rows
from tests.codegen.test_point import both


def split(text):
    return [line.split(" ") for line in text.strip().split("\n")]


TWO = """
0 load 0 0
1 load 1 0
2 + 0 0
3 + 1 1
4 call exp 2
5 call exp 3
6 * 4 2
7 * 5 3
8 - 6 7
- store 8 0 0
"""


def test_levels_wait_for_calls():
    assert levels(split(TWO)) == [0, 0, 0, 0, 1, 1, 2, 2, 2, 2]


def test_what_is_done_for_each_component_is_a_group():
    lines, groups = alike(split(TWO), 4, least=2)
    assert sorted(groups) == ["2", "3", "6", "7"]
    assert len(set(groups.values())) == 2
    assert groups["2"] == groups["3"]
    assert groups["6"] == groups["7"]
    assert sorted(lines) == sorted(split(TWO))


def test_no_more_than_a_register_holds():
    text = "\n".join(f"{k} load {k} 0\n{k + 5} + {k} {k}" for k in range(5))
    _, groups = alike(split(text), 4)
    assert [len([g for g in groups.values() if g == one]) for one in sorted(set(groups.values()))] == [4, 1]


def test_where_most_lines_are_not_alike_they_stay_as_they_are():
    chain = "0 load 0 0\n" + "\n".join(f"{k} + {k - 1} 0" for k in range(1, 20))
    lines = split(chain + "\n30 load 1 0\n31 load 2 0\n32 neg 0\n33 neg 30\n34 neg 31")
    assert alike(lines, 4) == (lines, {})


@given(st.data())
def test_what_is_needed_stands_in_front(data):
    lines = [[str(k), "load", str(k), "0"] for k in range(4)]
    for k in range(4, 40):
        first, second = (str(data.draw(st.integers(0, k - 1))) for _ in range(2))
        forms = [[str(k), "+", first, second], [str(k), "neg", first], [str(k), "call", "exp", first]]
        lines.append(data.draw(st.sampled_from(forms)))
        if data.draw(st.booleans()):
            lines.append(["-", "store", first, "0", str(k)])
    found, groups = alike(lines, 4, least=1)
    assert groups or all(words[1] in ("load", "call", "store") for words in lines)
    assert sorted(found) == sorted(lines)
    seen: set[str] = set()
    last: dict = {}
    for at, words in enumerate(found):
        assert seen.issuperset(line_operands(words))
        seen.add(words[0])
        group = groups.get(words[0])
        if group is not None:
            assert at - last.get(group, at - 1) == 1  # side by side
            last[group] = at
            assert not set(line_operands(words)) & {n for n, g in groups.items() if g == group}


def components(function, count):
    parts = [function(X * k / 7, Y / k) for k in range(1, count + 1)]
    return [sp.Add(*parts), *parts]


SUMS = {
    "exponentials": lambda a, b: sp.exp(-((a - b) ** 2)) / (1 + b**2),
    "choices": lambda a, b: sp.Piecewise((a + b, a * b > 1), (a - b, sp.true)),
    "greatest": lambda a, b: sp.Max(a - b, a * b) / sp.sqrt(1 + a**2),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("count", [4, 5, 8, 11])
@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("values", [(0.3, -0.7), (2.5, 1.25), (-1.0, 0.0), (np.nan, 2.0)])
def test_the_numbers_are_those_of_lockstep(name, count, dtype, values):
    kernel = rows(components(SUMS[name], count), dtype, point=True)
    found = straight(kernel)
    plan = Point(in_levels(found.text), found.inputs, found.results, found.constants, dtype == "float32")
    assert plan.groups
    among, alone = both(kernel, values)
    np.testing.assert_array_equal(alone, among)


def test_numba_compiles_it_too(tmp_path):
    kernel = rows(components(SUMS["choices"], 5), point=True)
    module = load(emit([kernel]), tmp_path)
    x, y, among, alone = np.full(1, 0.4), np.full(1, 1.3), np.zeros((1, 6)), np.zeros((1, 6))
    module.run_into(x, y, among)
    module.run_point_into(x, y, alone)
    np.testing.assert_array_equal(alone, among)
