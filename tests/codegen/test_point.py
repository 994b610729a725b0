"""Straight lines for one sample."""

from __future__ import annotations

import re

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st
from numba.core.errors import TypingError

from symbp.codegen.module import emit
from symbp.codegen.point import Point, in_levels
from symbp.codegen.pointwise import straight
from symbp.codegen.support import BLOCK_PIECE, line_operands
from symbp.machine.build import build
from symbp.machine.callable import Function
from symbp.machine.compile import Loaded
from tests.codegen.kernels import load
from tests.codegen.test_lockstep import FUNCTIONS, X, Y, rows


def both(kernel, values):
    """What one text gives for one sample: in lockstep, and alone."""
    kinds = {"run_into": [[kernel.dtype, 1], [kernel.dtype, 1], [kernel.dtype, 2]]}
    kinds["run_point_into"] = kinds["run_into"]
    code, messages = build(emit([kernel]), kinds)
    loaded, found = Loaded(code), []
    for name, arguments in kinds.items():
        out = np.full((1, *kernel.program.tensors["out"].row_shape), 7, kernel.dtype)
        given = [np.array([v], kernel.dtype) for v in values]
        Function(loaded, name, arguments, messages)(*given, out)
        found.append(out)
    return found


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "values",
    [(0.3, -0.7), (2.5, 1.25), (-1.0, 0.0), (np.inf, 1.0), (np.nan, 2.0), (3e12, -40.0), (1e30, 9e5)],
)
def test_a_sample_alone_is_what_it_is_among_others(dtype, values):
    # What has derivatives of the gamma function is left to Numba, see below.
    bodies = [b for b in FUNCTIONS if not b.atoms(sp.polygamma)]
    among, alone = both(rows(bodies, dtype, point=True), values)
    np.testing.assert_array_equal(alone, among)


def test_numba_compiles_it_too(tmp_path):
    module = load(emit([rows(FUNCTIONS, point=True)]), tmp_path)
    x, y, among, alone = (np.full(s, 0.4) for s in ((1,), (1,), (1, len(FUNCTIONS)), (1, len(FUNCTIONS))))
    module.run_into(x, y, among)
    module.run_point_into(x, y, alone)
    np.testing.assert_array_equal(alone, among)
    np.testing.assert_array_equal(module.run(0.4, 0.4)[0], among[0])
    with pytest.raises(TypingError, match="float64 in C order"):
        module.run_point_into(x.astype("f4"), y, alone)


@pytest.mark.parametrize("whole", [True, False])
def test_long_texts_with_calls_that_need_calls_whole_and_in_pieces(whole):
    body, bodies = X, []
    for k in range(BLOCK_PIECE // 2 if whole else BLOCK_PIECE):
        body = sp.exp(sp.sin(body + k * Y))
        bodies += [body, sp.Integer(k), body * Y]
    kernel = rows(bodies, point=True)
    found = straight(kernel)
    plan = Point(in_levels(found.text), found.inputs, found.results, found.constants, False)
    assert len(found.text.split("\n")) > 2 * BLOCK_PIECE
    assert (len(plan.pieces) == 1) is whole
    assert (plan.memory == 0) is whole
    among, alone = both(kernel, (0.25, 0.5))
    np.testing.assert_array_equal(alone, among)


def test_a_long_text_whose_lines_are_alike_is_whole():
    # More lines than are one function, and fewer instructions where a register holds several numbers.
    parts = [sp.exp(X * k / 1000) * sp.cos(Y + k) / (1 + X**2 * k) for k in range(1, 402)]
    kernel = rows([sp.Add(*parts), *parts], "float32", point=True)
    found = straight(kernel)
    plan = Point(in_levels(found.text), found.inputs, found.results, found.constants, True)
    assert len(found.text.split("\n")) > 2 * Point.whole
    assert plan.groups
    assert (len(plan.pieces), plan.memory) == (1, 0)
    among, alone = both(kernel, (0.25, 0.5))
    np.testing.assert_array_equal(alone, among)


def test_functions_that_do_not_wait_for_each_other_are_one_call():
    kernel = rows([sp.exp(X * k) for k in range(2, 8)] + [sp.exp(sp.exp(Y))], point=True)
    text = re.search(r'_straight_1 = \(\n    """\\\n(.*?)"""', emit([kernel]), re.DOTALL)
    assert text is not None
    calls = [line.split()[1] == "call" for line in in_levels(text[1]).split("\n")]
    runs = "".join("c" if c else " " for c in calls).split()
    assert [len(run) for run in runs] == [7, 1]


@given(st.data())
def test_levels_keep_what_is_needed_in_front(data):
    names: list[str] = []
    lines = ["0 load 0 0"]
    for k in range(1, 30):
        names.append(str(k - 1))
        first, second = (data.draw(st.sampled_from(names)) for _ in range(2))
        function = data.draw(st.sampled_from(["exp", "sin"]))
        lines.append(data.draw(st.sampled_from([f"{k} + {first} {second}", f"{k} call {function} {first}"])))
        if data.draw(st.booleans()):
            lines.append(f"- store {first} 0 {k}")
    found = in_levels("\n".join(lines)).split("\n")
    assert sorted(found) == sorted(lines)
    seen: set[str] = set()
    for line in found:
        words = line.split()
        assert seen.issuperset(line_operands(words))
        seen.add(words[0])
