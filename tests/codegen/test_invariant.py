"""Values that a loop does not change are found in its straight-line code."""

from __future__ import annotations

from symbp.codegen.access import Position
from symbp.codegen.invariant import invariant
from symbp.codegen.scalar import Code


def load(code: Code, name: str, *loops: str) -> int:
    return code("load", name, tuple(Position(0, ((loop, 1),)) for loop in loops))


def test_a_product_that_no_entry_changes_is_read_before_the_loop():
    code = Code()
    fixed = code("*", load(code, "w", "i"), code("local", "total"))
    root = code("+", fixed, load(code, "x", "j"))
    assert invariant(code, [root], "j") == [fixed]
    assert invariant(code, [fixed], "j") == [fixed]


def test_names_are_compared_whole():
    code = Code()
    near = load(code, "x", "j1")
    root = code("*", near, load(code, "x", "j"))
    assert invariant(code, [root], "j") == [near]
    assert invariant(code, [root], "x") == [root]


def test_constants_and_loop_counters_need_no_place():
    code = Code()
    root = code("+", code.const(2.0), code("*", code("int", "i + 1"), code("int", "j + 1")))
    assert invariant(code, [root], "j") == []
